"""C and C++: what their syntax says about names, and how they are followed."""

from diptych.names.languages import Language
from diptych.names.languages.c.collect import collect, collect_cpp
from diptych.names.languages.c.rules import CPP, C
from diptych.names.languages.c.sites import IDENTIFIERS, site_of

LANGUAGES = {
    "c": Language(collect, site_of, IDENTIFIERS, C),
    "cpp": Language(collect_cpp, site_of, IDENTIFIERS, CPP),
}
