"""A study so small that it trains in a second."""

from __future__ import annotations

import pytest

from crispen.lab.studies.bench import Bench
from crispen.lab.studies.conduct import Conducted, Order, conduct
from crispen.lab.studies.measuring import degraded, interpolation, measure
from crispen.lab.studies.outcome import NAME, PSNR, Outcome, ResultPicture, ResultTable
from crispen.lab.studies.plates import plate, same_place
from crispen.lab.studies.study import Study, Training

TINY = (
    'data={kind="toy", count=4, side=64, patch=8, batch=2, valid_share=0.25}',
    "network={kind='plain', width=4, depth=1}",
    "train.steps=3",
    "train.warmup=1",
    "train.sample_every=0",
    "validation.count=1",
)


def _measure(bench: Bench) -> Outcome:
    pictures = degraded(bench.targets, (), scale=2)
    entries = [interpolation("bicubic", 2), bench.entry("first"), bench.entry("second")]
    results = measure(entries, pictures, border=2, progress=bench.progress)
    cells = same_place(
        pictures[0].target, [(r.name, "", r.answers[0]) for r in results], between=(0, 1)
    )
    table = ResultTable(
        "figures", "Figures <&>", [NAME, PSNR], [r.row() for r in results], "A note"
    )
    return Outcome([table], [ResultPicture("place", "A place", plate([cells]))])


@pytest.fixture(scope="session")
def tiny() -> Study:
    return Study(
        name="tiny",
        title="A tiny study",
        question="Does it work?",
        trainings=(Training("first", "toy"), Training("second", "toy", start="first")),
        measure=_measure,
        quick=TINY,
        pictures=("Set5",),
        conclude=lambda tables: [f"{len(tables['figures'].rows)} rows."],
        remarks=("Nothing is said by it.",),
    )


@pytest.fixture(scope="session")
def done(tiny: Study, tmp_path_factory: pytest.TempPathFactory) -> Conducted:
    folder = tmp_path_factory.mktemp("studies") / "tiny"
    return conduct(tiny, Order(folder, quick=True, device="cpu", threads=1))
