"""Rust's panics and Tantivy's errors, as Diptych's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from diptych.errors import CorruptSearchError, DiptychError, StorageFullError


@contextmanager
def guarded(doing: str, where: str) -> Iterator[None]:
    """Raise what Tantivy raises in the body as a CorruptSearchError, or as what the system's refusal was.

    A panic arrives as `pyo3_runtime.PanicException`, which derives from BaseException and cannot be
    imported, hence the look at its name.
    """
    try:
        yield
    except DiptychError:
        raise
    except BaseException as error:
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        text = str(error)
        if "No space left" in text or "StorageFull" in text or "os error 28" in text:
            raise StorageFullError(
                f"cannot {doing} {where}: No space left on device",
                errno=28,
                advice="free some space, and run it again",
            ) from error
        raise CorruptSearchError(f"cannot {doing} {where}: {text}", where=where) from error
