"""The three lines of Python."""

import subprocess
import sys
from pathlib import Path

import pytest

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
