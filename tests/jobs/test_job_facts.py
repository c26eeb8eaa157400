"""What is known of a job's source, in words."""

from __future__ import annotations

from crispen.models.dials import Dials

from .conftest import SOURCE


def test_a_clean_source_has_no_faults() -> None:
    assert SOURCE.found == []


def test_faults_are_said_in_a_few_words() -> None:
    noisy = SOURCE.model_copy(update={"damage": Dials(noise=0.9)})
    coarse = SOURCE.model_copy(update={"jpeg_step": 400.0})
    assert any("noise" in words for words in noisy.found)
    assert coarse.found
    assert coarse.found != noisy.found
