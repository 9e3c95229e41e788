"""What `--size` chooses: how much data, how many operations, how often."""

from __future__ import annotations

from dataclasses import dataclass

from tools.guard import HANG_S


@dataclass(frozen=True)
class Size:
    """`scale` is the numbers of files of the generated stores; `trees` the real sources beside them."""

    name: str
    scale: tuple[int, ...]
    symbols_per_file: int
    trees: tuple[str, ...]
    rounds: int
    commits: int
    """Commits of one contestant in one round."""
    amplification_commits: int
    lookups: int
    searches: int
    opens: int
    recovery_files: int
    round_limit_s: float
    """A contestant slower than this ends its round early, with fewer operations."""
    judged: bool = True


SIZES = {
    "smoke": Size(
        "smoke", (30, 60), 6, (), rounds=1, commits=5, amplification_commits=20, lookups=20, searches=6,
        opens=1, recovery_files=30, round_limit_s=HANG_S, judged=False,
    ),
    "small": Size(
        "small", (1_000, 3_000, 10_000), 50, ("stdlib",), rounds=5, commits=60, amplification_commits=2_000,
        lookups=1_000, searches=60, opens=5, recovery_files=2_000, round_limit_s=1,
    ),
    "medium": Size(
        "medium", (1_000, 10_000, 100_000), 10, ("stdlib", "django"), rounds=5, commits=200,
        amplification_commits=10_000, lookups=2_000, searches=120, opens=5, recovery_files=10_000,
        round_limit_s=5,
    ),
    "large": Size(
        "large", (1_000, 10_000, 100_000, 1_000_000), 5, ("stdlib", "django", "linux"), rounds=5, commits=500,
        amplification_commits=10_000, lookups=5_000, searches=200, opens=7, recovery_files=10_000,
        round_limit_s=10,
    ),
}
