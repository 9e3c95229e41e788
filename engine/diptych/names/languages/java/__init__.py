"""Java: what its syntax says about names, and how they are followed."""

from diptych.names.languages import Language
from diptych.names.languages.java.collect import collect
from diptych.names.languages.java.rules import RULES
from diptych.names.languages.java.sites import IDENTIFIERS, site_of

LANGUAGES = {"java": Language(collect, site_of, IDENTIFIERS, RULES)}
