"""Rust: what its syntax says about names, and how they are followed."""

from diptych.names.languages import Language
from diptych.names.languages.rust.collect import collect
from diptych.names.languages.rust.rules import RULES
from diptych.names.languages.rust.sites import IDENTIFIERS, site_of

LANGUAGES = {"rust": Language(collect, site_of, IDENTIFIERS, RULES)}
