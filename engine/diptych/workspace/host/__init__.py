"""The coordinator's host: a repository on disk, its indexer, and the store that is kept up to date.

`repository` is what the coordinator calls and what the watcher asks. It has `listing` (which files there are,
and which changed names matter), `run` (the indexer over everything), `single` (one changed file), `facts`
(what the indexer's facts file is to say) and `git` (what only git can tell).
"""

from .repository import LIMITS, RepositoryHost

__all__ = ["LIMITS", "RepositoryHost"]
