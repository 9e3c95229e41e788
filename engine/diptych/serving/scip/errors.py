"""Errors of SCIP files."""

from __future__ import annotations

from diptych.errors import DiptychError


class ScipError(DiptychError):
    """The file is no SCIP index, or goes beyond what is read from a stranger."""

    code = "scip"
    exit_code = 5
    default_advice = "make it again with its indexer"
