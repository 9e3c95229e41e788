"""The mutations, all of them."""

from __future__ import annotations

from .fsyncs import FSYNCS
from .journal_checks import JOURNAL_CHECKS
from .mutation import Mutation
from .orders import ORDERS
from .sharing_checks import SHARING_CHECKS
from .store_checks import STORE_CHECKS

MUTATIONS: tuple[Mutation, ...] = (*FSYNCS, *ORDERS, *JOURNAL_CHECKS, *STORE_CHECKS, *SHARING_CHECKS)
