"""Names of results."""

import pytest

from crispen.enhance.naming import label_of
from crispen.enhance.target import Target


@pytest.mark.parametrize(
    ("target", "label"),
    [
        (Target(scale=2), "x2"),
        (Target(scale=1.5), "x1.5"),
        (Target(width=3840, height=2160), "3840x2160"),
        (Target(width=1000), "w1000"),
        (Target(height=500), "h500"),
    ],
)
def test_labels(target, label):
    assert target.label == label


@pytest.mark.parametrize(
    ("tasks", "strength", "target", "label"),
    [
        (["denoise"], 1.0, Target(scale=1), "denoise"),
        (["denoise", "sharpen"], 1.0, Target(scale=2), "denoise-sharpen-x2"),
        (["denoise", "denoise"], 0.7, Target(scale=1), "denoise-0.7"),
        (["relight"], 0.0, Target(width=640), "relight-0-w640"),
        (["restore"], 0.25, Target(scale=1.5), "restore-0.25-x1.5"),
    ],
)
def test_what_was_done_stands_in_the_name(tasks, strength, target, label):
    assert label_of(target, tasks, strength) == label
