"""Degradations as typed, as in recipes, and refused."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from crispen.errors import UsageError
from crispen.lab.degradations import DegradationTable, GaussianNoise, Jpeg, OneOf, SaltAndPepper
from crispen.lab.degradations.spec import parse_degradation

RECIPE: TypeAdapter[Any] = TypeAdapter(DegradationTable)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("gaussian-noise", GaussianNoise()),
        ("salt-and-pepper=0.4", SaltAndPepper(proportion=0.4)),
        ("salt-and-pepper=40%", SaltAndPepper(proportion=0.4)),
        ("salt-and-pepper=30%..60%", SaltAndPepper(proportion=(0.3, 0.6))),
        ("gaussian-noise:sigma=25,grey=true", GaussianNoise(sigma=25, grey=True)),
        ("gaussian-noise=10..50:grey=true", GaussianNoise(sigma=(10, 50), grey=True)),
        ("gaussian-noise:sigma=[10, 50]", GaussianNoise(sigma=(10, 50))),
        ("jpeg=30:chroma=4:4:4", Jpeg(quality=30, chroma="4:4:4")),
        ("salt-and-pepper:per-channel=true", SaltAndPepper(per_channel=True)),
        (
            'one-of:parts=[{kind="jpeg",quality=9},{kind="gaussian-noise"}],weights=[1,2]',
            OneOf(parts=[Jpeg(quality=9), GaussianNoise()], weights=[1, 2]),
        ),
    ],
)
def test_texts(text: str, expected: object) -> None:
    assert parse_degradation(text) == expected


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("salt-and-peper=0.4", "did you mean salt-and-pepper"),
        ("salt-and-pepper=1", "at least 0 and below 1"),
        ("salt-and-pepper=100%", "got 100%"),
        ("color-noise=1.5", "proportion: expected a number"),
        ("darken=-0.1", "at least 0"),
        ("darken:black=0.9,white=0.1", "less than white"),
        ("gaussian-noise=-1", "sigma: expected a number at least 0"),
        ("gaussian-noise=nan", "got nan"),
        ("gaussian-noise=50..10", "swap the two"),
        ("gaussian-noise=[1,2,3]", "or [low, high]"),
        ("gaussian-noise=true", "got True"),
        ("gaussian-noise:sigmaa=3", "gaussian-noise has no argument 'sigmaa'; did you mean sigma"),
        ("gaussian-noise:25", "write it as NAME=VALUE"),
        ("gaussian-blur=-2", "sigma"),
        ("pixelate=0", "size: expected a number above 0"),
        ("bicubic=0", "factor"),
        ("bicubic=2:probability=0.5", "expected 1"),
        ("jpeg=0", "at least 1 and at most 100"),
        ("jpeg:chroma=4:1:1", "'4:2:0' or '4:4:4'"),
        ("median-blur=4", "3, 5 or 7"),
        ("motion-blur=0", "at least 1"),
        ("poisson-noise=0", "photons"),
        ("sinc=0", "cutoff"),
        ("blind=3", "takes no bare value"),
        ("blind:first={up=0.9,down=0.9}", "at most 1 together"),
        ("one-of", "parts"),
        ('one-of:parts=[{kind="jpog"}]', "no such degradation; those are"),
        ('one-of:parts=[{kind="jpeg",quality=0}]', "parts.0.quality"),
    ],
)
def test_wrong_texts_are_told_in_one_line(text: str, told: str) -> None:
    with pytest.raises(UsageError, match=re.escape(told)) as caught:
        parse_degradation(text)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(f"'{text}'")


@settings(max_examples=30, derandomize=True, deadline=None)
@given(st.floats(0, 0.999), st.floats(0, 0.999), st.booleans())
def test_a_resolved_recipe_reads_back_the_same(one: float, other: float, whole: bool) -> None:
    low, high = sorted((one, other))
    table = SaltAndPepper(proportion=(low, high), per_channel=whole)
    assert RECIPE.validate_json(table.model_dump_json()) == table
    assert RECIPE.validate_python(table.model_dump()) == table
