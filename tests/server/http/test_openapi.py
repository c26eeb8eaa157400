"""The OpenAPI document: fresh, complete, and nothing in it makes the server fail."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    missing_required_header,
    negative_data_rejection,
    positive_data_acceptance,
)

from crispen.server.http.openapi import document

from ..conftest import Live, local

ROOT = Path(__file__).parents[3]


def test_the_document_in_the_repository_is_fresh() -> None:
    spec = importlib.util.spec_from_file_location("openapi", ROOT / "tools" / "openapi.py")
    assert spec is not None
    assert spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    assert tool.FILE.read_text(encoding="utf-8") == tool.text(), "type: make page-types"


def test_every_operation_is_described() -> None:
    names = set()
    for path, item in document()["paths"].items():
        for method, operation in item.items():
            assert operation.get("summary"), (method, path)
            assert operation.get("tags"), (method, path)
            names.add(operation["operationId"])
            assert any(code.startswith("2") for code in operation["responses"]), (method, path)
    assert len(names) == sum(len(item) for item in document()["paths"].values())


def test_all_failures_have_one_body() -> None:
    about = document()
    for path, item in about["paths"].items():
        for method, operation in item.items():
            for code, answer in operation["responses"].items():
                if code[0] in "45":
                    schema = answer["content"]["application/json"]["schema"]
                    assert schema["$ref"].endswith("/ErrorBody"), (method, path, code)
    assert "HTTPValidationError" not in about["components"]["schemas"]


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    patch = pytest.MonkeyPatch()
    patch.setenv("CRISPEN_MODELS", str(tmp_path_factory.mktemp("models")))
    (tmp_path_factory.getbasetemp() / "runs").mkdir(exist_ok=True)
    folder = tmp_path_factory.mktemp("fuzz")
    with Live(local(folder, workers=0, max_wait_s=0.2)) as live:
        yield live
    patch.undo()


# What uploads are sent as is bytes like any others.
schemathesis.serializer.alias("application/offset+octet-stream", "application/octet-stream")
schema = schemathesis.openapi.from_dict(document())
EXAMPLES = int(os.environ.get("CRISPEN_FUZZ", "6"))


# No schema can say that a file must hold a picture, or that of two wishes only one may be there.
CONTENT = {"enhance", "look", "add_model", "measure", "create_job", "change_jobs", "plan"}


# Streams that never end are tested by hand in test_events.
@schema.exclude(path_regex=r"/events$").parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_the_document_is_true(case: schemathesis.Case, target: Live) -> None:
    answer = case.call(base_url=target.url, timeout=60)
    if "x-request-id" not in answer.headers:  # uvicorn refused it before it was a request
        assert answer.status_code == 400
        return
    # Said on purpose, with the one body.
    excluded = [not_a_server_error] if answer.status_code in (503, 504, 507) else []
    if answer.status_code == 412:  # what the protocol of uploads wants for a wrong version
        excluded += [negative_data_rejection, missing_required_header]
    if case.operation.definition.raw["operationId"] in CONTENT:
        excluded.append(positive_data_acceptance)
    case.validate_response(answer, excluded_checks=excluded)
