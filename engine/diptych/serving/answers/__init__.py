"""The questions: where a name is defined, where it is used, what calls what, what a file consists of.

No protocol is imported here. Rows and columns count from zero, columns in UTF-8 bytes.
"""

from diptych.serving.answers.calls import Call, calls
from diptych.serving.answers.definition import Answer, Definition, definition
from diptych.serving.answers.outline import Entry, outline
from diptych.serving.answers.reference import Reference
from diptych.serving.answers.references import References, references

__all__ = [
    "Answer",
    "Call",
    "Definition",
    "Entry",
    "Reference",
    "References",
    "calls",
    "definition",
    "outline",
    "references",
]
