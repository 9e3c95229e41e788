"""JavaScript and TypeScript: what their syntax says about names, and how they are followed."""

from functools import partial

from diptych.names.languages import Language
from diptych.names.languages.ecmascript.collect import collect
from diptych.names.languages.ecmascript.rules import RULES
from diptych.names.languages.ecmascript.sites import (
    COMMENT,
    IDENTIFIERS,
    commented_site,
    property_of,
    site_of,
)

_TYPESCRIPT = Language(
    partial(collect, declares_fields=True), site_of, IDENTIFIERS, RULES, beside=property_of
)
_JAVASCRIPT = Language(
    partial(collect, declares_fields=False),
    site_of,
    IDENTIFIERS,
    RULES,
    quoted=COMMENT,
    quoted_site=commented_site,
    beside=property_of,
)
LANGUAGES = {"typescript": _TYPESCRIPT, "tsx": _TYPESCRIPT, "javascript": _JAVASCRIPT}
