"""The mutations, all of them."""

from __future__ import annotations

from .fsyncs import FSYNCS
from .journal_checks import JOURNAL_CHECKS
from .leaf_checks import LEAF_CHECKS
from .mutation import Mutation
from .orders import ORDERS

MUTATIONS: tuple[Mutation, ...] = (*FSYNCS, *ORDERS, *JOURNAL_CHECKS, *LEAF_CHECKS)
