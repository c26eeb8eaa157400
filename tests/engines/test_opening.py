"""Which engine is opened."""

from __future__ import annotations

import pytest

from crispen.engines.base import Engine
from crispen.engines.opening import open_engine
from crispen.engines.openvino import OpenVinoEngine
from crispen.errors import UsageError
from crispen.models.store import find


def test_unknown_precision_is_refused():
    path, card = find("photo-fast-x2")
    with pytest.raises(UsageError, match="fp64"):
        OpenVinoEngine(path, card, precision="fp64")


def test_open_engine_takes_the_cpu_and_checks_threads():
    path, card = find("photo-fast-x2")
    engine = open_engine(path, card, device="auto", threads=1)
    assert isinstance(engine, Engine)
    assert (engine.name, engine.device) == ("openvino", "cpu")
    with pytest.raises(UsageError, match="threads"):
        open_engine(path, card, threads=0)
