"""A clock that moves when told to, and a host whose repository and store are dictionaries."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from diptych.workspace.coordinator import IoError, LeafDamaged, Totals


class FakeClock:
    def __init__(self, now_s: float = 1000.0) -> None:
        self.now_s = now_s

    def __call__(self) -> float:
        return self.now_s

    def advance(self, seconds: float) -> None:
        self.now_s += seconds


class FakeHost:
    """`repository` is what is on disk (path -> number of symbols), `store` what has been indexed of it."""

    def __init__(self, clock: FakeClock, repository: dict[str, int] | None = None) -> None:
        self.clock = clock
        self.repository = dict(repository or {})
        self.store: dict[str, int] = {}
        self.scan_step_s = 0.001
        self.index_step_s = 0.001
        self.before_scan: Callable[[], None] = lambda: None
        self.before_index: Callable[[str], None] = lambda path: None
        self.scans = 0
        self.closed = 0
        self.cache_bytes = 0
        self.mended: list[IoError | LeafDamaged] = []

    def recover(self, failure: IoError | LeafDamaged) -> None:
        self.mended.append(failure)

    def scan(self) -> Iterator[str]:
        self.scans += 1
        self.before_scan()
        try:
            for path in sorted(self.repository.keys() | self.store.keys()):
                self.clock.advance(self.scan_step_s)
                if self.repository.get(path) != self.store.get(path):
                    yield path
        except GeneratorExit:
            self.closed += 1
            raise

    def index(self, paths: Sequence[str]) -> Iterator[str]:
        for path in paths:
            self.before_index(path)
            self.clock.advance(self.index_step_s)
            if path in self.repository:
                self.store[path] = self.repository[path]
            else:
                self.store.pop(path, None)
            yield path

    def totals(self) -> Totals:
        return Totals(len(self.store), sum(self.store.values()), self.cache_bytes)


def repository(files: int, symbols_each: int = 2) -> dict[str, int]:
    return {f"pkg/m{n:04}.py": symbols_each for n in range(files)}
