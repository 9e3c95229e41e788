"""Python: what its syntax says about names, and how they are followed."""

from diptych.names.languages import Language
from diptych.names.languages.python.collect import collect
from diptych.names.languages.python.quoted import TEXT, quoted_site
from diptych.names.languages.python.rules import RULES
from diptych.names.languages.python.sites import site_of

_PYTHON = Language(
    collect,
    site_of,
    frozenset({"identifier"}),
    RULES,
    parses_functions=True,
    quoted=TEXT,
    quoted_site=quoted_site,
)
LANGUAGES = {"python": _PYTHON}
