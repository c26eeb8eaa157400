"""The command line, the API, Python and the page ask for the same things in the same words."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import crispen
from crispen.cli.main import load_command
from crispen.enhance.api import enhance, enhance_video
from crispen.enhance.plan import plan
from crispen.enhance.request import MAX_SIDE_PX, Option, Request, ask, options
from crispen.enhance.source import Source
from crispen.enhance.task_models import default_models
from crispen.errors import UsageError
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


def test_a_request_is_frozen_and_strict() -> None:
    request = Request(scale=2, tasks=["denoise"])
    with pytest.raises(ValueError, match="frozen"):
        request.scale = 3
    assert Request.model_validate_json(request.model_dump_json()) == request
    for wrong in ({"scale": "2"}, {"quality": 90.5}, {"fit": 1}, {"nonsense": 1}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            Request(**wrong)


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ({"scale": 0}, "scale must be more than 0"),
        ({"width": MAX_SIDE_PX + 1}, "width must be at most 65500"),
        ({"tasks": "denoize"}, "did you mean denoise"),
        ({"format": "docx"}, r"no format 'docx' \(choose one of .*png"),
        ({"codec": "h265x"}, "no video codec 'h265x'; did you mean h264"),
        ({"nonsense": 1}, "nonsense is not known"),
    ],
    ids=str,
)
def test_what_does_not_fit_is_one_line(wanted: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError, match=told) as caught:
        ask(**wanted)
    assert "\n" not in str(caught.value)


def test_numbers_of_numpy_are_numbers() -> None:
    request, _ = ask(width=np.int64(20), strength=np.float32(0.5), tasks="denoise")
    assert (request.width, request.strength) == (20, 0.5)
    assert type(request.width) is int


def test_help_tells_the_keywords() -> None:
    assert "strength" in inspect.signature(crispen.enhance_video).parameters


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"size": "100x50"}, r"size is '100x50'; give width and height, such as \(3840, 2160\)"),
        ({"size": 100}, "size is 100; give"),
        ({"size": (1, 2, 3)}, r"size is \(1, 2, 3\); give"),
        ({"size": (1.5, 2)}, "width must be a whole number"),
        ({"scale": "2"}, "scale must be a number"),
        ({"scale": float("nan")}, "scale must be a finite number"),
        ({"scale": float("inf")}, "scale must be a finite number"),
        ({"model": 3}, "model is 3; give the name of a model"),
        ({"model": b"x"}, "model is 120; give the name"),
        ({"tasks": 3}, "tasks must be text"),
        ({"device": 3}, "device is 3; give a name, such as 'cpu'"),
        ({"threads": "2"}, "threads is '2'; give a whole number"),
        ({"tile_px": 1.5}, "tile_px is 1.5; give a whole number"),
        ({"denoise": 0.5, "as_is": True}, "^denoise, dejpeg, deblur and vivid set how"),
    ],
    ids=str,
)
def test_what_does_not_fit_is_told_and_never_leaks_from_python(given, told):
    with pytest.raises(UsageError, match=told):
        crispen.enhance(np.zeros((8, 8), np.uint8), **given)
