"""Secrets in text: found by their form, and replaced by `…`. Needs the extra `share`."""

from diptych.secrets.find import Secret, find, require
from diptych.secrets.redact import masked, redacted, unmasked

__all__ = ["VERSION", "Secret", "find", "masked", "redacted", "require", "unmasked"]

VERSION = 1
"""Of what `find` finds: what was looked through by another is looked through again."""
