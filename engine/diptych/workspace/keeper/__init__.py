"""The keeper: the one process that watches a repository and writes its index, for all that answer from it.

    with ensure_keeper(Place(root, store)) as keeper:
        keeper.state()                  # Building, Ready or Degraded, with the LSN and what is pending

Readers never index: who serves answers starts a keeper where there is none. It ends a minute after its last
client, and when it is killed the first client to notice starts another. The writer's lock decides: of several
that start at once one gets it, and the others end.
"""

from .client import KeeperClient, Place, ensure_keeper
from .state import STALE_S, KeeperState, keeper_state

__all__ = [
    "STALE_S",
    "KeeperClient",
    "KeeperState",
    "Place",
    "ensure_keeper",
    "keeper_state",
]
