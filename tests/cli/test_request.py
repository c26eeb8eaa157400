"""The options of a command come from the fields of a request."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from crispen.cli._request import TakesRequest
from crispen.enhance.options import options
from crispen.enhance.request import Request

seen: list[tuple[Request, str]] = []


def _command(files: list[str], request: Request, at_hand: Any, name: str = "x") -> int:
    """A command of a test."""
    seen.append((request, name))
    return 0


COMMAND = TakesRequest(_command)


def run(*arguments: str) -> Any:
    app = typer.Typer()
    app.command("run")(COMMAND)
    app.command("other")(lambda: None)
    seen.clear()
    return CliRunner().invoke(app, ["run", *arguments])


def test_each_field_is_an_option_with_its_description() -> None:
    parameters = inspect.signature(COMMAND).parameters
    assert "request" not in parameters
    assert "at_hand" not in parameters
    for field in options():
        option = parameters[field.word].annotation.__metadata__[0]
        assert field.description in option.help, field.name


def test_what_is_typed_becomes_one_request() -> None:
    answer = run("a.png", "--scale", "3", "-m", "espcn", "--name", "y", "--quality", "80")
    assert answer.exit_code == 0, answer.output
    ((request, name),) = seen
    assert (request.scale, request.models, request.quality) == (3.0, ("espcn",), 80)
    assert name == "y"


def test_width_and_height_in_one() -> None:
    assert run("a.png", "--size", "640x480").exit_code == 0
    request = seen[0][0]
    assert (request.width, request.height) == (640, 480)


@pytest.mark.parametrize("arguments", [("--quality", "101"), ("--scale", "x"), ("--nothing",)])
def test_limits_are_checked_while_it_is_read(arguments: tuple[str, ...]) -> None:
    assert run("a.png", *arguments).exit_code == 2
    assert seen == []
