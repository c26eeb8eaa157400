"""The command line, the API, Python and the page ask for the same things in the same words."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

import pytest

from crispen.cli.main import load_command
from crispen.enhance.api import enhance, enhance_video
from crispen.enhance.options import Option, options
from crispen.enhance.plan import plan
from crispen.enhance.request import Request
from crispen.enhance.source import Source
from crispen.enhance.task_models import default_models
from crispen.models.athand import AtHand
from crispen.models.tasks import TASKS

OPTIONS = options()
DOCUMENT = json.loads((Path(__file__).parents[2] / "web" / "openapi.json").read_text())

# Python gives a picture back, and it is written with `Image.save`.
OF_FILES = {"format", "quality", "strip_metadata"}


def by_name(wanted: Any) -> list[Any]:
    return [pytest.param(option, id=option.name) for option in wanted]


def api_schema(option: Option) -> dict[str, Any]:
    """What the published document says of a field, without what else it may be."""
    about = DOCUMENT["components"]["schemas"]["Request"]["properties"][option.name]
    (value,) = [s for s in about.get("anyOf", [about]) if s.get("type") != "null"]
    return about | value


@pytest.mark.parametrize("option", by_name(OPTIONS))
def test_every_option_says_what_it_is(option: Option) -> None:
    assert option.description.endswith(".")
    assert option.label
    assert option.kinds
    if option.type in ("integer", "number"):
        assert option.maximum is not None
        assert (option.minimum is None) != (option.exclusive_minimum is None)
    if option.name.endswith("width") or option.name.endswith("height"):
        assert option.unit == "px"


@pytest.mark.parametrize("option", by_name(OPTIONS))
def test_the_command_line_has_it(option: Option) -> None:
    flag = f"--{option.word.replace('_', '-')}"
    (parameter,) = [p for p in load_command("enhance").params if flag in p.opts]
    assert parameter.help.startswith(option.description)
    assert parameter.default in (option.default, [] if option.many else option.default)
    assert parameter.multiple == option.many
    if option.minimum is not None:
        assert (parameter.min, parameter.max) == (option.minimum, option.maximum)


def test_the_command_line_has_them_in_one_order() -> None:
    names = [p.name for p in load_command("enhance").params]
    words = [option.word for option in OPTIONS]
    assert [name for name in names if name in words] == words


@pytest.mark.parametrize("option", by_name(OPTIONS))
def test_the_api_has_it(option: Option) -> None:
    schema = api_schema(option)
    assert schema["description"] == option.description
    assert schema.get("default") == option.default
    assert schema.get("minimum") == option.minimum
    assert schema.get("maximum") == option.maximum
    one = schema["items"] if option.many else schema
    assert one["type"] == option.type
    assert one.get("enum") == option.choices


@pytest.mark.parametrize("option", by_name(o for o in OPTIONS if "image" in o.kinds))
def test_the_api_has_it_in_an_address(option: Option) -> None:
    found = {p["name"]: p for p in DOCUMENT["paths"]["/api/v1/enhance"]["post"]["parameters"]}
    assert found[option.word]["description"] == option.description


@pytest.mark.parametrize("option", by_name(OPTIONS))
@pytest.mark.parametrize("function", [enhance, enhance_video])
def test_python_has_it(function: Any, option: Option) -> None:
    kind = "video" if function is enhance_video else "image"
    parameters = inspect.signature(function).parameters
    # Python says "tasks", and "model" of one or several.
    found = parameters.get(option.name) or parameters.get(option.word)
    if kind not in option.kinds or (kind == "image" and option.name in OF_FILES):
        assert found is None
    elif option.name == "format":
        assert "target" in parameters  # whose name says it
    else:
        assert found is not None
        assert found.default is option.default
        assert f" {found.name}: " in (function.__doc__ or "")


def test_python_has_nothing_that_the_others_lack() -> None:
    """What it has beside them is how to run, not what is wanted."""
    runs = {"source", "target", "size", "device", "threads", "memory_bytes", "tile_px", "progress"}
    runs |= {"overwrite", "resume", "segment_s"}
    words = {o.name for o in OPTIONS} | {o.word for o in OPTIONS}
    for function in (enhance, enhance_video):
        assert set(inspect.signature(function).parameters) <= words | runs


def test_tasks_stand_in_the_order_in_which_they_are_done() -> None:
    order = list(TASKS)
    assert next(o for o in OPTIONS if o.name == "tasks").choices == order
    photo = Source(kind="image", format="png", width=8, height=6)
    at_hand = AtHand()
    asked = [*reversed(default_models(at_hand=at_hand))]
    assert len(asked) > 3
    models = plan(Request(tasks=asked), photo, at_hand).models
    assert [at_hand.card(name).task for name in models] == asked[::-1]
