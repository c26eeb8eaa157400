"""What is measured: built-in names and models."""

from __future__ import annotations

import numpy as np
import pytest

from crispen.errors import UsageError
from crispen.evaluate.benchmark import common_scale
from crispen.evaluate.contender import BASELINES, BUILT_IN, open_contender
from crispen.evaluate.filters import FILTERS
from crispen.models.store import find


def test_built_in_names() -> None:
    assert BASELINES == ("nearest", "bilinear", "bicubic", "lanczos")
    assert set(BUILT_IN) == {*BASELINES, *FILTERS}


def test_the_scale_is_that_of_the_models() -> None:
    assert common_scale(["bicubic", "espcn-x3"], None) == 3
    assert common_scale(["bicubic"], None) == 2
    assert common_scale(["espcn-x3"], 4) == 4
    with pytest.raises(UsageError, match="espcn-x2 x2, espcn-x3 x3"):
        common_scale(["espcn-x2", "espcn-x3"], None)


@pytest.mark.parametrize("change", [{"halo": None}, {"multiple": 4}])
def test_networks_that_take_only_some_sizes_run_as_in_real_use(
    change: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Run through `crispen.enhance`, an ordinary network answers the same but near the edge."""
    path, card = find("espcn-x2")
    from crispen.evaluate import contender as module

    pixels = np.random.default_rng(0).integers(0, 256, (37, 50, 1), np.uint8)
    with open_contender("espcn-x2", 2, "cpu", 1) as one:
        whole = one.run(pixels)
    monkeypatch.setattr(module, "find", lambda name: (path, card.model_copy(update=change)))
    with open_contender("espcn-x2", 2, "cpu", 1) as one:
        cut = one.run(pixels)
    assert cut.shape == whole.shape
    inner = slice(12, -20)
    assert np.abs(cut.astype(int) - whole)[inner, inner].max() <= 1
