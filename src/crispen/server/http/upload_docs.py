"""What the OpenAPI document says of uploads: the protocol as it is spoken here.

The library's routes declare request headers of every extension, but no response headers.
"""

from __future__ import annotations

from typing import Any

VERSION = "1.0.0"
_UID = {
    "name": "uuid",
    "in": "path",
    "required": True,
    "description": "an upload's id",
    "schema": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
}


def _header(name: str, description: str, *, required: bool = True, **schema: Any) -> dict[str, Any]:
    return {
        "name": name,
        "in": "header",
        "required": required,
        "description": description,
        "schema": {"type": "string", **schema},
    }


_RESUMABLE = _header("Tus-Resumable", "the protocol's version", enum=[VERSION])
_OFFSET = _header("Upload-Offset", "where the bytes go", pattern="^[0-9]{1,15}$")
_LENGTH = _header("Upload-Length", "how many bytes there will be", pattern="^[1-9][0-9]{0,8}$")
_METADATA = _header(
    "Upload-Metadata",
    "'filename' and the name in base64; anything else in it is passed over",
    required=False,
)
_PARAMETERS = {
    "post": [_RESUMABLE, _LENGTH, _METADATA],
    "head": [_UID, _RESUMABLE],
    "patch": [_UID, _RESUMABLE, _OFFSET],
    "delete": [_UID, _RESUMABLE],
    "options": [],
}
_ANSWERED = {
    "post": ("201", {"Location": "where PATCH sends the bytes"}),
    "head": (
        "200",
        {"Upload-Offset": "how many bytes have arrived", "Upload-Length": "of how many"},
    ),
    "patch": ("204", {"Upload-Offset": "how many bytes have arrived now"}),
    "delete": ("204", {}),
    "options": ("204", {"Tus-Version": VERSION, "Tus-Max-Size": "the largest upload"}),
}
_BODY = {
    "required": True,
    "content": {
        "application/offset+octet-stream": {"schema": {"type": "string", "format": "binary"}}
    },
}


def describe_uploads(paths: dict[str, Any]) -> None:
    """Replace what was generated from the library's routes."""
    for path, item in paths.items():
        if not path.startswith("/api/v1/uploads/"):
            continue
        for method, operation in item.items():
            operation["parameters"] = _PARAMETERS[method]
            code, headers = _ANSWERED[method]
            answer = operation["responses"].setdefault(code, {"description": "Done"})
            answer.pop("content", None)
            answer["headers"] = {
                name: {"description": about, "schema": {"type": "string"}}
                for name, about in headers.items()
            }
            operation.pop("requestBody", None)
            if method == "patch":
                operation["requestBody"] = _BODY
