"""As much of GitHub's API as a remote needs: releases with assets, git refs, commits, trees."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

TOKEN = "secret-token-of-the-tests"


class GithubStandIn:
    """One repository, owner/name. `assets_url` is another host, which assets are fetched from."""

    def __init__(self) -> None:
        self.url = ""
        self.assets_url = ""
        self.releases: dict[int, dict[str, Any]] = {}
        self.assets: dict[int, tuple[int, str, bytes]] = {}
        self.commits: dict[str, dict[str, Any]] = {}
        self.refs: dict[str, str] = {}
        self._next = 1
        top = "/repos/owner/name"
        self.application = Starlette(
            routes=[
                Route(top, self._repository),
                Route(f"{top}/releases", self._releases, methods=["GET", "POST"]),
                Route(f"{top}/releases/tags/{{tag}}", self._by_tag),
                Route(f"{top}/releases/assets/{{id:int}}", self._asset, methods=["GET", "DELETE"]),
                Route(f"{top}/releases/{{id:int}}/assets", self._assets),
                Route("/uploads/{id:int}", self._upload, methods=["POST"]),
                Route(f"{top}/git/trees", self._tree, methods=["POST"]),
                Route(f"{top}/git/commits", self._commit, methods=["POST"]),
                Route(f"{top}/git/commits/{{sha}}", self._commit_of),
                Route(f"{top}/git/refs", self._new_ref, methods=["POST"]),
                Route(f"{top}/git/ref/{{ref:path}}", self._ref),
                Route(f"{top}/git/matching-refs/{{ref:path}}", self._matching),
                Route(f"{top}/git/refs/{{ref:path}}", self._move_ref, methods=["PATCH", "DELETE"]),
            ]
        )
        # Where an asset's address redirects to: it must not see the token.
        self.asset_host = Starlette(routes=[Route("/asset/{id:int}", self._content)])

    def _refused(self, request: Request) -> Response | None:
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return JSONResponse({"message": "Bad credentials"}, status_code=401)
        return None

    def _new_id(self) -> int:
        self._next += 1
        return self._next

    def _page(self, request: Request, rows: list[Any]) -> Response:
        size, page = int(request.query_params.get("per_page", 30)), int(request.query_params.get("page", 1))
        return JSONResponse(rows[(page - 1) * size : page * size])

    def _repository(self, request: Request) -> Response:
        return self._refused(request) or JSONResponse({"full_name": "owner/name"})

    async def _releases(self, request: Request) -> Response:
        if refused := self._refused(request):
            return refused
        if request.method == "GET":
            return self._page(request, list(self.releases.values()))
        body = await request.json()
        if any(release["tag_name"] == body["tag_name"] for release in self.releases.values()):
            return JSONResponse({"message": "already_exists"}, status_code=422)
        number = self._new_id()
        upload = f"{self.url}/uploads/{number}{{?name,label}}"
        self.releases[number] = {"id": number, "tag_name": body["tag_name"], "upload_url": upload}
        return JSONResponse(self.releases[number], status_code=201)

    def _by_tag(self, request: Request) -> Response:
        for release in self.releases.values():
            if release["tag_name"] == request.path_params["tag"]:
                return self._refused(request) or JSONResponse(release)
        return Response(status_code=404)

    def _described(self, number: int) -> dict[str, Any]:
        _, name, data = self.assets[number]
        return {
            "id": number,
            "name": name,
            "size": len(data),
            "state": "uploaded",
            "updated_at": "2026-11-27T21:00:00Z",
        }

    def _assets(self, request: Request) -> Response:
        rows = [
            self._described(number)
            for number, one in self.assets.items()
            if one[0] == request.path_params["id"]
        ]
        return self._refused(request) or self._page(request, rows)

    async def _upload(self, request: Request) -> Response:
        if refused := self._refused(request):
            return refused
        data, release, name = await request.body(), request.path_params["id"], request.query_params["name"]
        if any(one[:2] == (release, name) for one in self.assets.values()):
            return JSONResponse({"errors": [{"code": "already_exists"}]}, status_code=422)
        number = self._new_id()
        self.assets[number] = (release, name, data)
        return JSONResponse(self._described(number), status_code=201)

    def _asset(self, request: Request) -> Response:
        number = request.path_params["id"]
        if refused := self._refused(request):
            return refused
        if number not in self.assets:
            return Response(status_code=404)
        if request.method == "DELETE":
            del self.assets[number]
            return Response(status_code=204)
        if request.headers.get("accept") != "application/octet-stream":
            return JSONResponse(self._described(number))
        return RedirectResponse(f"{self.assets_url}/asset/{number}?signature=abc", status_code=302)

    def _content(self, request: Request) -> Response:
        if "authorization" in request.headers:
            return Response("the token came to another host", status_code=400)
        data = self.assets[request.path_params["id"]][2]
        found = request.headers.get("range", "")
        if not found:
            return Response(data)
        first, _, last = found.removeprefix("bytes=").partition("-")
        part = data[int(first) : int(last) + 1]
        if not part:
            return Response(status_code=416)
        place = f"bytes {first}-{int(first) + len(part) - 1}/{len(data)}"
        return Response(part, status_code=206, headers={"content-range": place})

    async def _tree(self, request: Request) -> Response:
        body = await request.body()
        return self._refused(request) or JSONResponse(
            {"sha": hashlib.sha1(body).hexdigest()}, status_code=201
        )

    async def _commit(self, request: Request) -> Response:
        body = await request.json()
        if any(parent not in self.commits for parent in body["parents"]):
            return JSONResponse({"message": "no such parent"}, status_code=422)
        sha = hashlib.sha1(json.dumps([body, self._new_id()]).encode()).hexdigest()
        self.commits[sha] = body
        return self._refused(request) or JSONResponse({"sha": sha}, status_code=201)

    def _commit_of(self, request: Request) -> Response:
        found = self.commits.get(request.path_params["sha"])
        return self._refused(request) or (Response(status_code=404) if found is None else JSONResponse(found))

    async def _new_ref(self, request: Request) -> Response:
        body = await request.json()
        name = body["ref"].removeprefix("refs/")
        if name in self.refs:
            return JSONResponse({"message": "Reference already exists"}, status_code=422)
        self.refs[name] = body["sha"]
        return self._refused(request) or JSONResponse({"object": {"sha": body["sha"]}}, status_code=201)

    def _ref(self, request: Request) -> Response:
        sha = self.refs.get(request.path_params["ref"])
        if sha is None:
            return Response(status_code=404)
        return self._refused(request) or JSONResponse({"object": {"sha": sha}})

    def _matching(self, request: Request) -> Response:
        rows = [
            {"ref": f"refs/{name}", "object": {"sha": sha}}
            for name, sha in sorted(self.refs.items())
            if name.startswith(request.path_params["ref"])
        ]
        return self._refused(request) or self._page(request, rows)

    async def _move_ref(self, request: Request) -> Response:
        name = request.path_params["ref"]
        if name not in self.refs:
            return JSONResponse({"message": "Reference does not exist"}, status_code=422)
        if request.method == "DELETE":
            del self.refs[name]
            return Response(status_code=204)
        body = await request.json()
        if not body["force"] and not self._is_ancestor(self.refs[name], body["sha"]):
            return JSONResponse({"message": "Update is not a fast forward"}, status_code=422)
        self.refs[name] = body["sha"]
        return JSONResponse({"object": {"sha": body["sha"]}})

    def _is_ancestor(self, ancestor: str, commit: str) -> bool:
        pending = [commit]
        while pending:
            sha = pending.pop()
            if sha == ancestor:
                return True
            pending += self.commits[sha]["parents"]
        return False
