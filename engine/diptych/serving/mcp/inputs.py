"""What each tool takes. Keys that are not here are refused, so that a misspelt filter is no silent one."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

TOKENS_DEFAULT = 1_200
TOKENS_MIN, TOKENS_MAX = 300, 5_000

_TEXT_MAX = 4_000
_Text = Annotated[str, Field(min_length=1, max_length=_TEXT_MAX)]
_Id = Annotated[
    str,
    Field(
        min_length=1,
        max_length=_TEXT_MAX,
        description="An id from an earlier answer (path#Outer.name), a place (path:line), or a name.",
    ),
]
_Path = Annotated[
    str, Field(min_length=1, max_length=_TEXT_MAX, description="A path relative to the repository.")
]
_Cursor = Annotated[
    str | None, Field(max_length=500, description="From the answer before, with the same other arguments.")
]


class Input(BaseModel):
    """What every tool takes."""

    model_config = ConfigDict(extra="forbid", strict=False, str_strip_whitespace=False)

    max_tokens: Annotated[
        int,
        Field(ge=TOKENS_MIN, le=TOKENS_MAX, description="The largest answer, in tokens; about 3 bytes each."),
    ] = TOKENS_DEFAULT


class SearchInput(Input):
    """For `search`."""

    query: Annotated[
        _Text,
        Field(
            description='Words, any of which match. Also AND, OR, NOT, "a phrase", begin*, word~1, name:word.'
        ),
    ]
    kind: Annotated[str | None, Field(max_length=100, description="function, method, class, …")] = None
    language: Annotated[str | None, Field(max_length=100, description="python, typescript, …")] = None
    path_glob: Annotated[
        str | None, Field(max_length=_TEXT_MAX, description="As src/*.py; * also crosses /.")
    ] = None
    limit: Annotated[int, Field(ge=1, le=100)] = 10
    cursor: _Cursor = None


class SymbolInput(Input):
    """For `symbol`."""

    symbol: _Id
    body: Annotated[bool, Field(description="Whether to show its source.")] = False
    max_lines: Annotated[int, Field(ge=1, le=1_000, description="Of the source.")] = 80


class OutlineInput(Input):
    """For `outline`."""

    path: Annotated[
        str, Field(max_length=_TEXT_MAX, description='A file or folder; "" is the repository.')
    ] = ""
    depth: Annotated[int, Field(ge=1, le=10)] = 2


class DefinitionInput(Input):
    """For `definition`."""

    path: _Path
    line: Annotated[int, Field(ge=1, le=2**31, description="From 1.")]
    name: Annotated[
        str | None, Field(min_length=1, max_length=1_000, description="The name in that line.")
    ] = None
    column: Annotated[int | None, Field(ge=1, le=2**31, description="From 1, in UTF-8 bytes.")] = None

    @model_validator(mode="after")
    def _one(self) -> DefinitionInput:
        if (self.name is None) == (self.column is None):
            raise ValueError("give either name or column")
        return self


class ReferencesInput(Input):
    """For `references`."""

    symbol: _Id
    kind: Annotated[
        Literal["use", "import", "definition"] | None, Field(description="Only these; totals count all.")
    ] = None
    limit: Annotated[int, Field(ge=1, le=500)] = 30
    cursor: _Cursor = None


class CallsInput(Input):
    """For `calls`."""

    symbol: _Id
    direction: Literal["callers", "callees"] = "callers"
    depth: Annotated[int, Field(ge=1, le=3)] = 1
    limit: Annotated[int, Field(ge=1, le=500)] = 30


class ImpactInput(Input):
    """For `impact`."""

    symbols: Annotated[list[_Id], Field(max_length=50)] = []
    paths: Annotated[list[_Path], Field(max_length=50, description="All symbols of these files.")] = []
    git_range: Annotated[
        str | None,
        Field(max_length=400, description="Symbols that changed since a commit, or the files of A..B."),
    ] = None
    depth: Annotated[int, Field(ge=1, le=3)] = 3

    @model_validator(mode="after")
    def _something(self) -> ImpactInput:
        if not (self.symbols or self.paths or self.git_range):
            raise ValueError("give symbols, paths or git_range")
        return self


class ChangedInput(Input):
    """For `changed`."""

    since: Annotated[
        int | str,
        Field(description='An LSN, a commit, branch or tag, or "last": since the last call of this tool.'),
    ] = "last"
    limit: Annotated[int, Field(ge=1, le=500)] = 50


class StatusInput(Input):
    """For `status`."""

    wait_s: Annotated[float, Field(ge=0, le=60, description="Wait so long for the index to be ready.")] = 0.0
    refresh: Annotated[bool, Field(description="Have all files compared with the index now.")] = False
