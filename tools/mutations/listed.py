"""The mutations, all of them."""

from __future__ import annotations

from .checks import CHECKS
from .fsyncs import FSYNCS
from .mutation import Mutation
from .orders import ORDERS

MUTATIONS: tuple[Mutation, ...] = (*FSYNCS, *ORDERS, *CHECKS)
