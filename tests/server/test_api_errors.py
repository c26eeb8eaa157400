"""Errors of the program as answers of the API."""

from __future__ import annotations

import pytest

from crispen.errors import (
    CrispenError,
    InputError,
    MissingExtra,
    MissingInput,
    ModelError,
    OutputError,
    ResultTooLarge,
    UsageError,
)
from crispen.jobs.database import StoreError
from crispen.jobs.states import NotPossible
from crispen.server.api_errors import ApiError, as_api_error, not_found


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (NotPossible("x"), 409, "not_possible"),
        (MissingInput("x"), 404, "not_found"),
        (InputError("x"), 422, "bad_input"),
        (ModelError("x"), 422, "bad_model"),
        (MissingExtra("x"), 501, "not_installed"),
        (OutputError("x"), 507, "cannot_write"),
        (ResultTooLarge("x"), 422, "result_too_large"),
        (UsageError("x"), 422, "bad_request"),
        (CrispenError("x"), 400, "failed"),
        (StoreError("x"), 503, "queue_away"),
    ],
)
def test_each_kind_has_its_status_and_code(error: CrispenError, status: int, code: str) -> None:
    answer = as_api_error(error)
    assert (answer.status, answer.code) == (status, code)


def test_an_answer_stays_what_it_is() -> None:
    answer = ApiError(418, "teapot", "short and stout", {"X-Spout": "1"})
    assert as_api_error(answer) is answer


def test_a_database_that_is_away_says_nothing_of_its_host() -> None:
    answer = as_api_error(StoreError("could not connect to db.internal:5432"))
    assert "db.internal" not in str(answer)
    assert answer.headers == {"Retry-After": "2"}


def test_options_of_the_command_line_are_not_named() -> None:
    assert "--" not in str(as_api_error(UsageError("choose another --format")))
    assert "no such job" in str(not_found("job"))
