"""What may be left of one effect that was not yet durable when the power went.

A variant is a (word, bytes) pair. A directory entry or a change of size is there or missing. Of a write:

    missing      nothing of it; old bytes stay where it would have overwritten
    whole        all of it
    torn k       its first k bytes, and the file no longer than that
    zeros        its full length, as zeros
    grown        the file is as long as it would be, and holds none of the data
    patched k    its first k bytes, and the file as long as it would be
    late k       all but its first k bytes: a later sector reached the disk, an earlier one did not
"""

from __future__ import annotations

from .effects import Change, Entry, Resize, Write

Variant = tuple[str, int]

MISSING: Variant = ("missing", 0)
WHOLE: Variant = ("whole", 0)
ZEROS: Variant = ("zeros", 0)
GROWN: Variant = ("grown", 0)

_SECTOR_BYTES = 512
_PAGE_BYTES = 4096


def cuts(offset: int, length: int) -> list[int]:
    """Where a write of `length` bytes at `offset` is torn, in bytes from its beginning."""
    places = {1, _SECTOR_BYTES, _PAGE_BYTES, length // 3, 2 * length // 3}
    places |= {_SECTOR_BYTES - offset % _SECTOR_BYTES, _PAGE_BYTES - offset % _PAGE_BYTES}
    return sorted(place for place in places if 0 < place < length)


def variants(effect: Write | Resize | Change | Entry) -> list[Variant]:
    """Everything that may be left of an effect, short of all of it; `missing` comes first."""
    if not isinstance(effect, Write):
        return [MISSING]
    found: list[Variant] = [MISSING, ZEROS]
    if effect.extends and effect.offset < effect.size_before:
        found.append(GROWN)
    for cut in cuts(effect.offset, len(effect.data)):
        found.append(("torn", cut))
        found.append(("late", cut))
        if effect.extends:
            found.append(("patched", cut))
    return found


def apply_write(content: bytearray, write: Write, variant: Variant) -> None:
    """Change a file's content as the variant of the write would."""
    word, cut = variant
    data = write.data
    end = write.offset + len(data)
    if word == "missing":
        return
    if word == "torn":
        end = write.offset + cut
    if end > len(content):
        content.extend(bytes(end - len(content)))
    if word == "zeros":
        content[write.offset : end] = bytes(len(data))
    elif word in ("whole", "torn"):
        content[write.offset : end] = data[: end - write.offset]
    elif word == "patched":
        content[write.offset : write.offset + cut] = data[:cut]
    elif word == "late":
        content[write.offset + cut : end] = data[cut:]


def apply_resize(content: bytearray, size: int) -> None:
    """Cut or grow a file's content to `size` bytes."""
    if size < len(content):
        del content[size:]
    else:
        content.extend(bytes(size - len(content)))


def fault_word(variant: Variant, effect: Write | Resize | Change | Entry) -> str:
    """The kind of fault that a variant is, as the report counts them."""
    if isinstance(effect, (Change, Entry)):
        return "entry lost"
    if isinstance(effect, Resize):
        return "size change lost"
    return {
        "missing": "data missing",
        "late": "data reordered",
        "patched": "size grown",
        "grown": "size grown",
    }.get(variant[0], {"torn": "data torn", "zeros": "zeros"}.get(variant[0], variant[0]))
