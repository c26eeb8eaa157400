import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PilImage

import crispen


def test_names_are_sorted_and_there():
    assert crispen.__all__ == sorted(crispen.__all__)
    for name in crispen.__all__:
        assert getattr(crispen, name) is not None
    assert set(crispen.__all__) <= set(dir(crispen))
    with pytest.raises(AttributeError, match="no_such"):
        _ = crispen.no_such


@pytest.mark.parametrize(
    "statement", ["import crispen", "import crispen.cli.main", "import crispen.enhance"]
)
def test_importing_loads_nothing_heavy(statement):
    heavy = ("numpy", "openvino", "torch", "av", "pyvips", "pydantic", "onnxruntime", "PIL")
    code = f"{statement}; import sys; print(*(m for m in {heavy} if m in sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(Path(crispen.__file__).parents[1])},
    )
    assert done.stdout.split() == []


def test_the_errors_are_those_of_the_errors_module():
    from crispen import errors

    assert crispen.UsageError is errors.UsageError
    assert issubclass(crispen.MissingInput, FileNotFoundError)


def test_rooms_are_functions_too():
    import crispen.enhance.target
    import crispen.models.card

    assert crispen.enhance.target.Target is crispen.Target
    assert crispen.models.card.ModelCard is crispen.ModelCard
    cards = crispen.models()
    assert all(isinstance(card, crispen.ModelCard) for card in cards)
    assert {"photo-x2", "photo-fast-x4", "espcn-x3"} <= {card.name for card in cards}


def sources(folder):
    pixels = np.random.default_rng(0).integers(0, 256, (10, 14, 3), np.uint8)
    path = folder / "a.png"
    PilImage.fromarray(pixels).save(path)
    return pixels, {
        "array": pixels,
        "floats": pixels / 255.0,
        "pil": PilImage.fromarray(pixels),
        "path": path,
        "text": str(path),
        "bytes": path.read_bytes(),
        "image": crispen.read_image(path),
    }


def test_every_kind_of_picture_gives_the_same(tmp_path):
    _, kinds = sources(tmp_path)
    results = {
        kind: crispen.enhance(source, scale=2, model="photo-fast", threads=1).pixels
        for kind, source in kinds.items()
    }
    for kind, pixels in results.items():
        assert pixels.shape == (20, 28, 3), kind
        np.testing.assert_array_equal(pixels, results["array"], err_msg=kind)


def test_load_and_call(tmp_path):
    pixels, _ = sources(tmp_path)
    model = crispen.load("photo-fast-x3", threads=1)
    assert model.card.scale == 3
    assert "photo-fast-x3" in repr(model)
    result = model(pixels)
    assert isinstance(result, crispen.Image)
    result.save(tmp_path / "b.png")
    np.testing.assert_array_equal(np.asarray(PilImage.open(tmp_path / "b.png")), result.pixels)
    again = crispen.enhance(pixels, model=model)
    np.testing.assert_array_equal(again.pixels, result.pixels)
    model.close()


def test_sizes(tmp_path):
    pixels, _ = sources(tmp_path)
    small = {"model": "photo-fast", "threads": 1}
    assert crispen.enhance(pixels, size=(20, 17), **small).pixels.shape == (17, 20, 3)
    assert crispen.enhance(pixels, width=28, **small).pixels.shape == (20, 28, 3)
    assert crispen.enhance(pixels, size=(50, 20), fit=True, **small).pixels.shape == (20, 28, 3)
    with pytest.raises(crispen.UsageError, match="both"):
        crispen.enhance(pixels, size=(20, 17), width=3)
    with pytest.raises(crispen.ModelError, match="photo"):
        crispen.enhance(pixels, model="foto-x2")


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
