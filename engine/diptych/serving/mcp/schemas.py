"""What structured answers have in common, as a JSON Schema."""

from __future__ import annotations

from typing import Any

_NUMBER = {"type": "integer", "minimum": 0}

OUTPUT: dict[str, Any] = {
    "type": "object",
    "properties": {
        "total": {**_NUMBER, "description": "How many there are, on all pages; exact."},
        "cursor": {"type": "string", "description": "For the next page, with the same other arguments."},
        "left_out": {**_NUMBER, "description": "How many did not fit."},
        "ambiguous": {"type": "boolean", "description": "Several symbols are meant: ask again with an id."},
        "freshness": {
            "type": "object",
            "properties": {
                "state": {"enum": ["building", "ready", "degraded"]},
                "lsn": _NUMBER,
                "files": _NUMBER,
                "head": {"type": "string"},
                "edited": _NUMBER,
                "partial": {"type": "boolean"},
                "message": {"type": "string"},
                "fallback": {"type": "string"},
            },
            "required": ["state", "lsn", "files", "head", "edited", "partial"],
        },
        "error": {
            "type": "object",
            "properties": {name: {"type": "string"} for name in ("code", "message", "advice")},
            "required": ["code", "message", "advice"],
        },
    },
}
