"""The built web page, its fallbacks, and the API's reference; nothing from elsewhere."""

from __future__ import annotations

import mimetypes
from importlib.resources import as_file, files
from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse, HTMLResponse, PlainTextResponse, Response
from starlette.exceptions import HTTPException

_NOT_BUILT = """The web page is not built.

From a git checkout, type:  make page
The API works without it; its reference is at /docs.
"""
_DOCS = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Crispen API</title>
<link rel="icon" href="ROOT/icon.svg">
<link rel="stylesheet" href="ROOT/docs/swagger-ui.css">
</head>
<body>
<div id="reference"></div>
<noscript>This needs JavaScript; <a href="ROOT/openapi.json">openapi.json</a> does not.</noscript>
<script src="ROOT/docs/swagger-ui-bundle.js"></script>
<script src="ROOT/docs/start.js"></script>
</body>
</html>
"""
_START = """SwaggerUIBundle({
  url: "ROOT/openapi.json", dom_id: "#reference", deepLinking: true, tryItOutEnabled: true,
  validatorUrl: null,
});
"""
_TYPES = {"swagger-ui.css": "text/css", "swagger-ui-bundle.js": "text/javascript"}
# Not every system's MIME table has it.
mimetypes.add_type("application/manifest+json", ".webmanifest")
_IMMUTABLE = "public, max-age=31536000, immutable"


def docs_router(root_path: str) -> APIRouter:
    """``/docs``, from files that are installed with the server.

    Args:
        root_path: Path below which a proxy shows the server.
    """
    router = APIRouter(include_in_schema=False)

    @router.get("/docs")
    def docs() -> HTMLResponse:
        return HTMLResponse(_DOCS.replace("ROOT", root_path))

    @router.get("/docs/start.js")
    def start() -> Response:
        return Response(_START.replace("ROOT", root_path), media_type="text/javascript")

    @router.get("/docs/{name}")
    def asset(name: str) -> FileResponse:
        if name not in _TYPES:
            raise HTTPException(404)
        with as_file(files("fastapi_swagger").joinpath("resources", name)) as path:
            return FileResponse(
                path, media_type=_TYPES[name], headers={"Cache-Control": "public, max-age=86400"}
            )

    return router


def page_router(folder: Path, root_path: str) -> APIRouter:
    """The page; a path that is not one of its files is a view, which ``index.html`` shows.

    Args:
        folder: Where it was built.
        root_path: Path below which a proxy shows the server.
    """
    router = APIRouter(include_in_schema=False)
    root = folder.resolve()

    def view(index: Path) -> Response:
        if not root_path:
            return FileResponse(
                index, media_type="text/html", headers={"Cache-Control": "no-cache"}
            )
        # It names the path of its files, and its script reads the path of the API.
        text = index.read_text(encoding="utf-8").replace('="/', f'="{root_path}/')
        text = text.replace(
            "<head>", f'<head>\n    <meta name="crispen-root" content="{root_path}" />'
        )
        return HTMLResponse(text, headers={"Cache-Control": "no-cache"})

    @router.get("/{path:path}")
    def page(path: str) -> Response:
        if path.startswith("api/") or path == "api":
            raise HTTPException(404)
        index = root / "index.html"
        if not index.is_file():
            return PlainTextResponse(_NOT_BUILT, 503 if path else 200)
        file = _inside(root, path)
        if file is not None and file != index:
            hashed = path.startswith("assets/")
            kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
            cache = _IMMUTABLE if hashed else "no-cache"
            return FileResponse(file, media_type=kind, headers={"Cache-Control": cache})
        if file is None and "." in path.rpartition("/")[2]:  # a file that is not there, not a view
            raise HTTPException(404)
        return view(index)

    return router


def _inside(root: Path, path: str) -> Path | None:
    if not path or "\0" in path:
        return None
    try:
        file = (root / path).resolve()
        return file if file.is_relative_to(root) and file.is_file() else None
    except OSError:  # a name too long for the file system
        return None
