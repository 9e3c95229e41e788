/* Macros of declarations as they are written in C, of which a grammar knows none. */
#ifndef MACROS_H
#define MACROS_H

#define EXPORT(type) __attribute__((visibility("default"))) type

struct packet {
	int size;
	unsigned char data[8];
} __packed __aligned(8);

/* The signature keeps the macro. */
EXPORT(const char *) packet_name(const struct packet *one);

int packet_log(const char *format, ...) printflike(1, 2);
void packet_drop(struct packet *one)
    __attribute__((nonnull(1)));

static inline void packet_free(struct packet *one)
{
	for_each_part(one, part)
		release(part);
	if (one->size) {
		clear(one);
	}
	__free_page(one);
}

static
#ifndef DEBUG
inline
#endif
int
packet_size(const struct packet *one)
{
	return one->size;
}

__le32 packet_sum(const struct packet *one);
int ALIGN(16) packet_count;

#endif
