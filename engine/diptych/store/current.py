"""What reads of a handle see now: one view, replaced as a whole."""

from __future__ import annotations

import os
import threading
import weakref
from contextlib import suppress
from typing import Generic

from diptych.errors import CorruptionError
from diptych.schema.base import Record
from diptych.store.generation import Generation
from diptych.store.healing import Healing
from diptych.store.overlay import Overlay
from diptych.store.view import View


class Current(Generic[Record]):
    """Holds the view. Reading `view` takes no lock; replacing it is one assignment.

    The generation, the overlay and the LSN are the view's own: a signal cannot part a base from its overlay,
    which would lose commits to readers and to the next generation.
    """

    def __init__(self, view: View[Record]) -> None:
        self.lock = threading.Lock()
        self._moved = threading.Condition(self.lock)
        self.view = view
        self._views: weakref.WeakSet[View[Record]] = weakref.WeakSet()
        self._closed: Exception | None = None

    @property
    def base(self) -> Generation | None:
        """The newest generation."""
        return self.view.generation

    @property
    def overlay(self) -> Overlay:
        """What is newer than the generation. Written to by the holder of the journal's lock alone."""
        return self.view.overlay

    @property
    def healing(self) -> Healing:
        """What was found damaged in the generation."""
        return self.view.healing

    def advance(self, lsn: int) -> None:
        """Show everything up to `lsn`."""
        with self.lock:
            view = self.view
            if lsn > view.lsn and self._closed is None:
                self.view = view.at(lsn)
                self._moved.notify_all()

    def replace(self, base: Generation | None, overlay: Overlay, lsn: int, healing: Healing) -> None:
        """Show another generation; `lock` is held. Does nothing after the close."""
        if self._closed is None:
            view = self.view
            healing.reads += view.healing.reads
            self.view = type(view)(view.schema, base, overlay, lsn, healing)
            self._moved.notify_all()

    def wait(self, lsn: int, timeout_s: float | None) -> bool:
        """Wait until the view has come to `lsn`; whether it has. Raises what the handle was closed with."""
        with self.lock:
            self._moved.wait_for(lambda: self.view.lsn >= lsn or self._closed is not None, timeout_s)
            if self._closed is not None:
                raise self._closed
            return self.view.lsn >= lsn

    def hold(self) -> View[Record]:
        """A view of its own for a caller; while it is open its generation is kept.

        Raises what the handle was closed with.
        """
        with self.lock:
            if self._closed is not None:
                raise self._closed
            held = self.view.at(self.view.lsn)
            self._views.add(held)
        return held

    def pinned(self) -> set[str]:
        """The names of the generations that open views hold."""
        return {
            os.path.basename(view.generation.path)
            for view in list(self._views)
            if view.generation is not None and not view.is_closed
        }

    def needed_segments(self) -> set[str]:
        """The digests of the adopted segments in the overlays of this and of all open views.

        A view without a generation pins none, from which the journal would be kept that names these.
        """
        open_views = [view for view in list(self._views) if not view.is_closed]
        return {segment.digest for view in (*open_views, self.view) for _, segment in view.overlay.adopted}

    def close(self, reason: Exception) -> None:
        """Close all views, and open none again."""
        # Before the views: one that is made beside this is made from one that is listed, or refused.
        self._closed = reason
        with self.lock:
            self._moved.notify_all()
        for view in [self.view, *list(self._views)]:
            view.close(reason)

    def has_records(self) -> bool:
        """Whether there is any record, told without counting wherever that can be."""
        view = self.view
        overlay, base = view.overlay, view.generation
        if view.is_closed or (base is not None and base.manifest.records > len(overlay.log)):
            return True
        with suppress(CorruptionError):
            return overlay.has_records() or len(view) > 0
        return True
