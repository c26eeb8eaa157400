"""Plug-ins: what docs/plugins.md shows is trained, exported and used, as files and as a package."""

from __future__ import annotations

import json
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

import crispen
from crispen import plugins
from crispen.errors import MissingInput, ModelError, UsageError
from crispen.evaluate.benchmark import evaluate
from crispen.evaluate.scores import Protocol
from crispen.lab.degradations import DEGRADATION_KINDS
from crispen.lab.degradations.catalogue import catalogue
from crispen.lab.degradations.spec import parse_degradation
from crispen.lab.export import export_checkpoint
from crispen.lab.networks import NETWORK_KINDS
from crispen.lab.recipe import load_recipe, recipe_text
from crispen.lab.training import Trainer
from crispen.models.card import ModelCard, read_card
from crispen.models.tasks import TASKS, tasks_in_words

from .cli.conftest import Crispen
from .cli.conftest import crispen as crispen_in  # noqa: F401

PAGE = Path(__file__).parents[1] / "docs/plugins.md"
BLOCKS = dict(
    (title, content)
    for title, content in re.findall(
        r'^```\w+ title="([^"]+)"\n(.*?)^```$', PAGE.read_text(), re.MULTILINE | re.DOTALL
    )
)
QUICK = ("train.steps=3", "train.warmup=1", "data.patch=16", "data.batch=2", "validation.count=2")


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder with every file of the page."""
    for name, content in BLOCKS.items():
        (tmp_path / name).write_text(content)
    return tmp_path


@pytest.fixture
def package(files: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The same, installed as the page's package."""
    groups = tomllib.loads(BLOCKS["pyproject.toml"])["project"]["entry-points"]
    lines = []
    for group, entries in groups.items():
        lines += [f"[{group}]", *(f"{name} = {value}" for name, value in entries.items())]
    info = files / "my_crispen_plugins-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: my-crispen-plugins\nVersion: 1.0\n"
    )
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n")
    monkeypatch.syspath_prepend(files)
    plugins.installed.cache_clear()
    monkeypatch.setattr(TASKS, "_rows", None)
    yield files
    plugins.installed.cache_clear()
    TASKS._rows = None  # type: ignore[attr-defined]
    for name in BLOCKS:
        sys.modules.pop(name.partition(".")[0], None)


def trained(recipe_file: Path, folder: Path, *overrides: str) -> Path:
    """Trains a few steps and exports."""
    recipe = load_recipe(str(recipe_file), [*QUICK, *overrides])
    Trainer(recipe, folder / "run", device="cpu").fit()
    return export_checkpoint(folder / "run" / "last.ckpt", folder / "out")


def test_the_example_is_trained_exported_and_used(files: Path) -> None:
    path = trained(files / "tiny.toml", files)
    card = read_card(path)
    assert (card.name, card.task, card.halo, card.color) == ("tiny", "denoise", 6, "rgb")
    assert card.architecture == "Three 5x5 convolutions that predict the noise, width 12"
    assert card.parameters == (75 * 12 + 12) + (25 * 144 + 12) + (25 * 36 + 3)
    pixels = np.random.default_rng(0).integers(0, 256, (60, 70, 3), np.uint8)
    whole = crispen.enhance(pixels, model=path, tile_px=256).pixels
    assert whole.shape == pixels.shape
    assert not np.array_equal(whole, pixels)
    # The halo is right, so tiles are exact: a level of rounding at most.
    tiled = crispen.enhance(pixels, model=path, tile_px=32).pixels
    assert int(np.abs(whole.astype(int) - tiled).max()) <= 1


def test_a_run_keeps_what_it_was_trained_with(files: Path) -> None:
    trained(files / "tiny.toml", files)
    run = files / "run"
    assert (run / "plugins/tiny.py").read_text() == BLOCKS["tiny.py"]
    assert list(json.loads((run / "run.json").read_text())["plugins"]) == [str(files / "tiny.py")]
    # The resolved recipe names the file wherever it is read.
    again = load_recipe(str(run / "recipe.toml"))
    assert again.network.kind == f"{files / 'tiny.py'}:Tiny"
    assert recipe_text(again) == (run / "recipe.toml").read_text()


def test_all_parts_of_a_recipe_can_be_files(files: Path) -> None:
    path = trained(
        files / "tiny.toml",
        files,
        'data={kind="stripes.py:Stripes", color="rgb", count=8, patch=16, batch=2}',
        'degradation=[{kind="one-of", parts=[{kind="fog.py:Fog", amount=0.3}]}, '
        '{kind="fog.py:Fog"}]',
        'loss=[{kind="edges.py:Edges", vertical=false, weight=2}, {kind="l1"}]',
    )
    card = read_card(path)
    assert card.training.loss == "2 Edges + l1"
    assert card.training.data_licences == "CC0 1.0"
    log = (files / "run/log.csv").read_text().splitlines()
    assert "Edges" in log[0]


def test_installed_plugins_are_known_by_name(package: Path) -> None:
    path = trained(
        package / "tiny.toml",
        package,
        'network={kind="tiny", width=4}',
        'data={kind="stripes", color="rgb", patch=16, batch=2}',
        'degradation=[{kind="fog"}]',
        'loss=[{kind="edges"}]',
    )
    assert read_card(path).training.loss == "edges"
    assert list(NETWORK_KINDS)[-1] == "tiny"
    assert "fog" in [entry.kind for entry in catalogue()]
    assert DEGRADATION_KINDS["fog"].model_fields["amount"].description == "of the way to white"
    with pytest.raises(UsageError, match="did you mean tiny"):
        load_recipe(str(package / "tiny.toml"), ['network={kind="tinny"}'])


def test_an_installed_task_is_a_task_everywhere(package: Path) -> None:
    assert list(TASKS)[-2:] == ["colorize", "upscale"]
    assert "colorize" in tasks_in_words()
    assert ModelCard(name="c", task="colorize").task == "colorize"
    assert "colorize" in ModelCard.model_json_schema()["properties"]["task"]["enum"]
    path = trained(package / "tiny.toml", package, "task=colorize")
    assert read_card(path).task == "colorize"
    picture = np.zeros((20, 20, 3), np.uint8)
    result = crispen.enhance(picture, tasks=["colorize"], model=path)
    assert result.pixels.shape == picture.shape
    with pytest.raises(UsageError, match="--task colorize"):
        crispen.enhance(picture, tasks=["denoise"], model=path)


@pytest.mark.parametrize("installed", [False, True])
def test_a_metric(installed: bool, request: pytest.FixtureRequest) -> None:
    files: Path = request.getfixturevalue("package" if installed else "files")
    name = "edge-error" if installed else f"{files / 'sharpness.py'}:edge_error"
    pixels = np.random.default_rng(1).integers(0, 256, (32, 40, 3), np.uint8)
    flat = np.full_like(pixels, 128)
    for folder, content in (("HR", pixels), ("LR_x1", flat)):
        (files / "set" / folder).mkdir(parents=True)
        crispen.Image(content).save(files / "set" / folder / "a.png")
    protocol = Protocol(metrics=("psnr", name))
    score = evaluate("none", files / "set", 1, protocol=protocol)
    # The flat picture has no edges, so the error is what the other one has.
    expected = np.abs(np.diff(pixels.astype(float), axis=1)).mean()
    assert score.mean(name) == pytest.approx(expected)


def test_metrics_and_degradations_on_the_command_line(
    files: Path,
    crispen_in: Crispen,  # noqa: F811
) -> None:
    crispen.Image(np.full((32, 40, 3), 100, np.uint8)).save(files / "a.png")
    said = crispen_in("degrade", "a.png", "-o", "foggy.png", "--with", "fog.py:Fog=0.4")
    assert said.code == 0, said.err
    assert np.all(crispen.read_image(files / "foggy.png").pixels == 100 + round(0.4 * 155))
    assert parse_degradation(f"{files / 'fog.py'}:Fog:amount=0.1..0.2,clip=false").clip is False
    for folder in ("HR", "LR_x1"):
        (files / "set" / folder).mkdir(parents=True)
        crispen.read_image(files / "a.png").save(files / "set" / folder / "a.png")
    said = crispen_in(
        *(
            "evaluate",
            "--data",
            "set",
            "--scale",
            "1",
            "--baseline",
            "none",
            "--format",
            "markdown",
        ),
        *("--metrics", "psnr,sharpness.py:edge_error"),
    )
    assert said.code == 0, said.err
    assert "| model | picture | PSNR | edge_error | seconds |" in said.out
    assert "lower is better" in said.out
    said = crispen_in("evaluate", "--baseline", "bicubic", "--metrics", "sharpness.py:edge_eror")
    assert said.code == 2
    assert "sharpness.py: defines no 'edge_eror'" in said.err


WRONG = {
    "key": ('network={kind="tiny.py:Tiny", widht=3}', "network.widht: "),
    "type": ('network={kind="tiny.py:Tiny", width="wide"}', "network.width: .*integer"),
    "class": ('network={kind="tiny.py:Tyni"}', "tiny.py: defines no 'Tyni'; did you mean Tiny"),
    "file": ('network={kind="tony.py:Tiny"}', "tony.py: no such file"),
    "sort": (
        'network={kind="edges.py:Edges"}',
        "is not a class that makes a network; docs/plugins.md",
    ),
    "import": ('network={kind="broken.py:Net"}', "broken.py: cannot be imported: ZeroDivision"),
    "argument": ('network={kind="loose.py:Loose"}', "the argument 'width' needs a type"),
    "name": ('network={kind="tini"}', "no network is called 'tini'; those are|did you mean"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_one_line(case: str, files: Path) -> None:
    (files / "broken.py").write_text("1 / 0\n")
    (files / "loose.py").write_text(
        "from crispen.lab.networks import Network\n"
        "class Loose(Network):\n    def __init__(self, scale: int, channels: int, width=3): ...\n"
    )
    assignment, told = WRONG[case]
    with pytest.raises(UsageError, match=told) as raised:
        load_recipe(str(files / "tiny.toml"), [assignment])
    assert "\n" not in str(raised.value)


def test_a_file_that_changes_is_read_again(files: Path) -> None:
    first = load_recipe(str(files / "tiny.toml")).network.build(1, 3)
    text = BLOCKS["tiny.py"].replace("halo = 6", "halo = 9")
    (files / "tiny.py").write_text(text)
    assert (first.halo, load_recipe(str(files / "tiny.toml")).network.build(1, 3).halo) == (6, 9)
    assert not (files / "__pycache__").exists()


def test_a_plugin_that_is_gone_says_so(files: Path) -> None:
    trained(files / "tiny.toml", files)
    (files / "tiny.py").unlink()
    with pytest.raises(UsageError, match=r"tiny\.py: no such file"):
        export_checkpoint(files / "run/last.ckpt", files / "again")


@pytest.mark.parametrize("halo", [0, 5])
def test_a_wrong_halo_is_found_at_export(halo: int, files: Path) -> None:
    (files / "tiny.py").write_text(BLOCKS["tiny.py"].replace("halo = 6", f"halo = {halo}"))
    with pytest.raises(ModelError, match=rf"says halo = {halo}, .* 6 away.* set halo = 6"):
        trained(files / "tiny.toml", files)
    assert not (files / "out").exists()


def test_missing_input_is_still_a_missing_file() -> None:
    with pytest.raises(MissingInput, match=r"no such file.*path/to/file\.py:Name"):
        plugins.find("networks", "nowhere/net.py:Net")


def test_ours_cannot_be_replaced(package: Path) -> None:
    entries = package / "my_crispen_plugins-1.0.dist-info/entry_points.txt"
    entries.write_text("[crispen.networks]\nplain = tiny:Tiny\n")
    plugins.installed.cache_clear()
    recipe = load_recipe("plain-x2")
    assert type(recipe.network).__module__ == "crispen.lab.networks.plain"
    assert list(NETWORK_KINDS).count("plain") == 1
    assert isinstance(recipe.network.build(2, 1), torch.nn.Module)
