"""As much of Google Cloud Storage's XML API as a remote needs: objects with generations, conditions, lists.

It keeps to what Google documents of conditions: `x-goog-if-generation-match` 0 is "if absent", another number
"if it is of that generation", and 412 the answer where it is not. It cannot show that Google does.
"""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass
from email.utils import formatdate
from hashlib import md5
from xml.sax.saxutils import escape

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_PAGE = 1_000


def google_environment(url: str) -> dict[str, str]:
    """What clients of a stand-in at this URL have in their environment."""
    account = {"disable_oauth": True, "client_email": "", "private_key": "", "private_key_id": ""}
    return {"GOOGLE_BASE_URL": url, "GOOGLE_SERVICE_ACCOUNT_KEY": json.dumps(account)}


@dataclass(frozen=True, slots=True)
class _Object:
    data: bytes
    generation: int
    modified_s: float

    @property
    def headers(self) -> dict[str, str]:
        return {
            "etag": f'"{md5(self.data, usedforsecurity=False).hexdigest()}"',
            "x-goog-generation": str(self.generation),
            "last-modified": formatdate(self.modified_s, usegmt=True),
            "accept-ranges": "bytes",
        }


class GoogleStandIn:
    """Buckets, which need not be made."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], _Object] = {}
        self._generation = 1_000
        self._lock = threading.Lock()
        self.application = Starlette(
            routes=[
                Route("/{bucket}", self._list),
                Route("/{bucket}/{name:path}", self._object, methods=["GET", "HEAD", "PUT", "DELETE"]),
            ]
        )

    async def _object(self, request: Request) -> Response:
        place = (request.path_params["bucket"], request.path_params["name"])
        if request.method == "PUT":
            return self._put(request, place, await request.body())
        if request.method == "DELETE":
            return Response(status_code=204 if self.objects.pop(place, None) else 404)
        return self._get(request, place)

    def _put(self, request: Request, place: tuple[str, str], data: bytes) -> Response:
        condition = request.headers.get("x-goog-if-generation-match")
        with self._lock:
            found = self.objects.get(place)
            if condition is not None and int(condition) != (found.generation if found else 0):
                return Response(status_code=412)
            self._generation += 1
            self.objects[place] = _Object(data, self._generation, time.time())
            return Response(headers=self.objects[place].headers)

    def _get(self, request: Request, place: tuple[str, str]) -> Response:
        found = self.objects.get(place)
        if found is None:
            return Response(status_code=404)
        asked = request.headers.get("range", "")
        if not asked.startswith("bytes="):
            return Response(found.data, headers=found.headers)
        start, _, end = asked.removeprefix("bytes=").partition("-")
        first, last = int(start), min(int(end or len(found.data)), len(found.data) - 1)
        if first > last:
            return Response(status_code=416)
        headers = {**found.headers, "content-range": f"bytes {first}-{last}/{len(found.data)}"}
        return Response(found.data[first : last + 1], status_code=206, headers=headers)

    def _list(self, request: Request) -> Response:
        bucket, prefix = request.path_params["bucket"], request.query_params.get("prefix", "")
        after = request.query_params.get("continuation-token", "")
        names = sorted(
            name for of, name in self.objects if of == bucket and name.startswith(prefix) and name > after
        )
        rows = []
        for name in names[:_PAGE]:
            one = self.objects[(bucket, name)]
            modified = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(one.modified_s))
            rows.append(
                f"<Contents><Key>{escape(name)}</Key><Generation>{one.generation}</Generation>"
                f"<LastModified>{modified}</LastModified><ETag>{escape(one.headers['etag'])}</ETag>"
                f"<Size>{len(one.data)}</Size></Contents>"
            )
        body = f"<ListBucketResult><Name>{escape(bucket)}</Name>{''.join(rows)}"
        if len(names) > _PAGE:
            body += f"<NextContinuationToken>{escape(names[_PAGE - 1])}</NextContinuationToken>"
        body += "</ListBucketResult>"
        return Response(body, media_type="application/xml")
