"""Packages that share their name with a public function."""

import subprocess
import sys
from pathlib import Path

import pytest

import crispen


def test_rooms_are_functions_too():
    import crispen.enhance.target
    import crispen.models.card

    assert crispen.enhance.target.Target is crispen.Target
    assert crispen.models.card.ModelCard is crispen.ModelCard
    cards = crispen.models()
    assert all(isinstance(card, crispen.ModelCard) for card in cards)
    assert {"photo-x2", "photo-fast-x4", "espcn-x3"} <= {card.name for card in cards}


def in_a_fresh_process(code):
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(Path(crispen.__file__).parents[1]), "PAGER": "cat"},
    )
    return done.stdout


@pytest.mark.parametrize(
    "before", ["", "import crispen.enhance, crispen.models", "import crispen.enhance.plan as plan"]
)
def test_help_and_signature_show_the_function_whatever_was_imported_before(before):
    code = f"import crispen, inspect\n{before}\nprint(inspect.signature(crispen.enhance))\n"
    said = in_a_fresh_process(code + "help(crispen.enhance)\nhelp(crispen.models)")
    assert said.startswith("(source: 'Any', scale: 'float | None' = None, *, tasks: ")
    assert "Help on function enhance in module crispen.enhance.api:" in said
    assert "Help on function models in module crispen.models:" in said
    assert "Exact ``(width, height)`` instead of a scale." in said
    assert "PACKAGE CONTENTS" not in said


def test_the_packages_modules_are_still_reached_through_the_name():
    code = """
import crispen
enhance = crispen.enhance
import crispen.enhance.target, crispen.models.card as card
from crispen.enhance import naming
import pickle
assert crispen.enhance is enhance is pickle.loads(pickle.dumps(enhance))
assert crispen.enhance.target.Target is crispen.Target
assert card.ModelCard is crispen.models.card.ModelCard is crispen.ModelCard
assert naming.__name__ == 'crispen.enhance.naming'
"""
    in_a_fresh_process(code)


def test_a_function_can_be_replaced_as_any_other(monkeypatch):
    before = crispen.enhance
    monkeypatch.setattr(crispen, "enhance", len)
    assert crispen.enhance is len
    monkeypatch.undo()
    assert crispen.enhance is before
