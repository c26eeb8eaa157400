"""The document says what uploads do, in place of what the library declares."""

from __future__ import annotations

from crispen.server.http.openapi import document
from crispen.server.http.upload_docs import describe_uploads


def test_only_uploads_are_rewritten() -> None:
    paths = {
        "/api/v1/uploads/": {
            "post": {"parameters": ["theirs"], "requestBody": {}, "responses": {}}
        },
        "/api/v1/jobs": {"post": {"parameters": ["ours"], "responses": {}}},
    }
    describe_uploads(paths)
    assert paths["/api/v1/jobs"]["post"]["parameters"] == ["ours"]
    post = paths["/api/v1/uploads/"]["post"]
    assert "requestBody" not in post
    assert post["responses"]["201"]["headers"].keys() == {"Location"}  # type: ignore[index]


def test_every_method_says_its_headers() -> None:
    paths = document()["paths"]
    uploads = {path: item for path, item in paths.items() if "/uploads/" in path}
    assert {method for item in uploads.values() for method in item} == {
        "post",
        "head",
        "patch",
        "delete",
        "options",
    }
    patch = uploads["/api/v1/uploads/{uuid}"]["patch"]
    assert {p["name"] for p in patch["parameters"]} == {"uuid", "Tus-Resumable", "Upload-Offset"}
    assert list(patch["requestBody"]["content"]) == ["application/offset+octet-stream"]
