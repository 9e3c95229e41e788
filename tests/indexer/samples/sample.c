/* Shapes, in C. */
#include <stdio.h>
#include "shape.h"

#define MAX_SHAPES 10
#define SQUARE(x) ((x) * (x))

/* A point. */
struct point {
    int x, y;
    struct point *next;
    char name[10];
};

typedef struct {
    int width;
} size_t2, *size_p;

typedef int (*handler)(struct point *p);

enum color { RED, GREEN = 2 };

union bits { int i; float f; };

static int counter = 0;
extern const char *names[];
struct point origin;

// Draws.
// Twice.
static int draw(struct point *p, enum color c);

#ifdef DEBUG
int debug_level = 1;
void debug(void) { printf("debug"); }
#endif

static char *
name_of(const struct point *p)
{
    size_t2 local;
    p->draw(p);
    return SQUARE(p->x) ? lookup(p) : NULL;
}

int main(int argc, char **argv) { return draw(&origin, RED); }

static DEFINE_TIMER(timer, expired);
struct bits { unsigned a:1, :3, b:4; };
