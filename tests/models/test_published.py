"""What reading published PyTorch files needs is looked for without importing it."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec

import pytest

from crispen.errors import MissingExtra
from crispen.models.published import needs_spandrel, require_spandrel

from ..distributions import EXTRAS


def test_the_line_names_extras_that_there_are() -> None:
    with pytest.raises(MissingExtra) as caught, needs_spandrel("this"):
        import no_such_package  # noqa: F401
    text = str(caught.value)
    assert text.startswith("this needs no_such_package; type: pip install 'crispen[spandrel,")
    assert ",train]', then: pip install --no-deps 'spandrel" in text
    # What --no-deps leaves out, but for torchvision and what PyTorch brings itself.
    assert "einops" in EXTRAS["spandrel"]
    assert {"torch", "safetensors"} <= EXTRAS["train"]


@pytest.mark.skipif(find_spec("spandrel") is None, reason="pip install --no-deps spandrel")
def test_looking_imports_nothing() -> None:
    code = (
        "import sys\n"
        "from crispen.models.published import require_spandrel\n"
        "require_spandrel('this')\n"
        "print({'torch', 'spandrel', 'einops', 'onnx'} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
    require_spandrel("this")
