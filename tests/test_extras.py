"""Each room imports no more than its install brings, and a missing extra names its install line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import crispen

from .distributions import BROUGHT_BY, DISTRIBUTIONS, EXTRAS, PROJECT, plain


def test_all_has_every_extra_that_people_use() -> None:
    everything = PROJECT["optional-dependencies"]["all"]
    lists = [line.removeprefix("crispen[").removesuffix("]") for line in everything]
    said = {extra for line in lists for extra in line.split(",")}
    # Clients of services that need an account or a server are installed when they are wanted.
    services = {"mlflow", "wandb"}
    assert (
        said == set(PROJECT["optional-dependencies"]) - {"all", "bench", "dev", "site"} - services
    )


WITHOUT = """
import importlib.machinery, sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {missing!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Missing())
from crispen.cli.main import main
main({arguments!r})
"""


def run_without(extra: str, arguments: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Types a command where the packages of an extra, and of that alone, are not installed."""
    gone = {
        module
        for module, found in DISTRIBUTIONS.items()
        if {plain(d) for d in found} & EXTRAS[extra]
    }
    code = WITHOUT.format(
        missing=gone | {m for m, by in BROUGHT_BY.items() if by in EXTRAS[extra]},
        arguments=arguments,
    )
    return subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("extra", "arguments"),
    [
        ("server", ["serve"]),
        ("train", ["train", "toy"]),
        ("train", ["train", "--list"]),
        ("train", ["export", "runs/toy"]),
        ("train", ["study", "residual"]),
        ("tensorboard", ["train", "toy", "--tracker", "tensorboard"]),
        ("wandb", ["train", "toy", "--tracker", "wandb"]),
        ("mlflow", ["train", "toy", "--tracker", "mlflow"]),
        ("train", ["search", "toy", "--set-range", "network.depth=1..3"]),
        ("train", ["degrade", "a.png", "-o", "b.png", "--with", "jpeg=30"]),
        ("train", ["evaluate", "photo-x2", "--data", ".", "--degrade", "jpeg=30"]),
        ("cluster", ["enhance", "pairs", "-r", "-o", "out/", "--cluster"]),
        ("cluster", ["serve", "--cluster", "--port", "0", "--folder", "data"]),
        ("s3", ["enhance", "pairs", "-r", "-o", "s3://bucket/out/"]),
        ("sftp", ["enhance", "sftp://host/pairs/", "-o", "out/"]),
        ("watch", ["enhance", "pairs", "-r", "-o", "out/", "--watch"]),
        ("convert", ["models", "add", "a.param"]),
        ("iqa", ["evaluate", "--data", "pairs", "--scale", "1", "--baseline", "nl-means"]),
        (
            "iqa",
            [
                "evaluate",
                "--data",
                "pairs",
                "--baseline",
                "none",
                "--scale",
                "1",
                "--metrics",
                "ssimulacra2",
            ],
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value[:2]),
)
def test_a_missing_extra_names_its_install_line(
    extra: str, arguments: list[str], tmp_path: Path
) -> None:
    picture = crispen.Image(np.zeros((16, 16, 3), np.uint8))
    for folder in ("", "pairs/HR", "pairs/LR_x1"):
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        picture.save(tmp_path / folder / "a.png")
    said = run_without(extra, arguments, tmp_path)
    assert said.returncode == 2, said.stderr
    assert f"pip install 'crispen[{extra}]'" in said.stderr
    assert len(said.stderr.splitlines()) == 1, said.stderr


@pytest.mark.parametrize("extra", ["cluster", "server", "stores", "train"])
def test_pictures_need_no_extra(extra: str, tmp_path: Path) -> None:
    crispen.Image(np.zeros((16, 16, 3), np.uint8)).save(tmp_path / "a.png")
    said = run_without(extra, ["enhance", "a.png", "-o", "b.png"], tmp_path)
    assert said.returncode == 0, said.stderr
    assert crispen.read_image(tmp_path / "b.png").width == 32
