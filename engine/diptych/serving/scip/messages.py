"""The messages of SCIP, built from a table of their fields: no generated code that must match the runtime.

The numbers are those of scip.proto in the repository sourcegraph/scip. A field that is not here is skipped
when it is read. Enumerations are int32, which is the same on the wire.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

_FIELDS = """
Index              metadata=1:Metadata documents=2:*Document external_symbols=3:*SymbolInformation
Metadata           version=1:int32 tool_info=2:ToolInfo project_root=3:string text_document_encoding=4:int32
ToolInfo           name=1:string version=2:string arguments=3:*string
Document           relative_path=1:string occurrences=2:*Occurrence symbols=3:*SymbolInformation
Document           language=4:string text=5:string position_encoding=6:int32
Occurrence         range=1:*int32 symbol=2:string symbol_roles=3:int32 enclosing_range=7:*int32
SymbolInformation  symbol=1:string documentation=3:*string relationships=4:*Relationship kind=5:int32
SymbolInformation  display_name=6:string signature_documentation=7:Document enclosing_symbol=8:string
Relationship       symbol=1:string is_reference=2:bool is_implementation=3:bool is_type_definition=4:bool
Relationship       is_definition=5:bool
"""

METADATA, DOCUMENTS, EXTERNAL_SYMBOLS = 1, 2, 3
"""The fields of an Index, by number."""

UTF8_TEXT = 1
"""Of `Metadata.text_document_encoding`."""

UTF8_COLUMNS, UTF16_COLUMNS, UTF32_COLUMNS = 1, 2, 3
"""Of `Document.position_encoding`; 0 where the producer does not say."""

DEFINITION, IMPORT, WRITE, READ = 1, 2, 4, 8
"""Bits of `Occurrence.symbol_roles`."""

Message = Any
"""A message: its class is made when the program runs."""


class Messages(NamedTuple):
    """The classes of the messages that are read and written by themselves."""

    metadata: type[Message]
    document: type[Message]


@cache
def messages() -> Messages:
    """The message classes. Raises ModuleNotFoundError where the extra `scip` is not installed."""
    from diptych import fs

    with fs.importing("protobuf"):
        from google.protobuf.descriptor_pool import DescriptorPool
        from google.protobuf.message_factory import GetMessageClass

    pool = DescriptorPool()
    pool.Add(_file())

    def made(name: str) -> type[Message]:
        kind: type[Message] = GetMessageClass(pool.FindMessageTypeByName(f"scip.{name}"))
        return kind

    return Messages(made("Metadata"), made("Document"))


def _file() -> Message:
    """The table as protobuf describes a file of messages."""
    from google.protobuf.descriptor_pb2 import FieldDescriptorProto as Field
    from google.protobuf.descriptor_pb2 import FileDescriptorProto

    scalars = {"int32": Field.TYPE_INT32, "string": Field.TYPE_STRING, "bool": Field.TYPE_BOOL}
    file = FileDescriptorProto(name="scip.proto", package="scip", syntax="proto3")
    made: dict[str, Message] = {}
    for line in _FIELDS.strip().splitlines():
        name, *fields = line.split()
        if name not in made:
            made[name] = file.message_type.add(name=name)
        for field in fields:
            label, _, kind = field.partition(":")
            called, _, number = label.partition("=")
            kind, repeated = kind.lstrip("*"), kind.startswith("*")
            is_scalar = kind in scalars
            made[name].field.add(
                name=called,
                number=int(number),
                label=Field.LABEL_REPEATED if repeated else Field.LABEL_OPTIONAL,
                type=scalars[kind] if is_scalar else Field.TYPE_MESSAGE,
                type_name=None if is_scalar else f".scip.{kind}",
            )
    return file
