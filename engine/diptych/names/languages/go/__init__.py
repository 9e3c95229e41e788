"""Go: what its syntax says about names, and how they are followed."""

from diptych.names.languages import Language
from diptych.names.languages.go.collect import collect
from diptych.names.languages.go.rules import RULES
from diptych.names.languages.go.sites import IDENTIFIERS, site_of

LANGUAGES = {"go": Language(collect, site_of, IDENTIFIERS, RULES)}
