"""PyTorch files of other makers are added like ONNX files, and run like our own models."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from crispen.engines.adding import add, models_in
from crispen.engines.published import convert
from crispen.enhance.api import enhance
from crispen.errors import MissingExtra, MissingInput, ModelError, UsageError
from crispen.media.image import Image
from crispen.models import published
from crispen.models.store import find

from ..models_of_others import own_folder
from ..published_files import build, publish


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's folder of this test."""
    return own_folder(tmp_path, monkeypatch)


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


def test_a_published_file_is_used_like_our_own(tmp_path: Path) -> None:
    import torch

    card = add(publish(tmp_path / "4x Theirs.pth"))
    assert (card.name, card.task, card.scale, card.color) == ("4x-Theirs", "upscale", 4, "rgb")
    assert (card.halo, card.licence) == (4, "unknown")
    assert card.architecture == "RealESRGAN Compact 8nf 2nc"
    assert find("4x-Theirs")[1] == card
    pixels = noise(70, 90)
    chosen = {"model": "4x-Theirs", "device": "cpu"}
    whole = enhance(Image(pixels), **chosen).pixels.astype(int)
    tiled = enhance(Image(pixels), **chosen, tile_px=32).pixels.astype(int)
    assert np.abs(tiled - whole).max() <= 1  # of a processor that rounds in bf16
    x = torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255
    with torch.no_grad():
        expected = build("SRVGGNetCompact")(x)[0].permute(1, 2, 0).numpy() * 255
    assert np.abs(whole - expected).max() <= 2


def test_what_is_said_of_it_is_checked(tmp_path: Path) -> None:
    source = publish(tmp_path / "theirs.safetensors")
    with pytest.raises(UsageError, match="enlarges 4 times, which is not --scale 2"):
        add(source, scale=2)
    assert add(source, name="mine", task="restore").task == "restore"


def test_a_url_is_converted_too(tmp_path: Path) -> None:
    source = publish(tmp_path / "theirs.pth")
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    assert add(source.as_uri(), sha256=digest).name == "theirs"
    source.write_bytes(b"no weights")
    digest = hashlib.sha256(b"no weights").hexdigest()
    with pytest.raises(Exception, match=rf"^{source.as_uri()}: ") as caught:
        add(source.as_uri(), sha256=digest, name="other")
    assert "crispen-" not in str(caught.value)


def test_a_folder_lists_them(tmp_path: Path) -> None:
    for name in ("a.pth", "b.pt", "c.safetensors", "d.txt", "e.bin"):
        (tmp_path / name).touch()
    assert [path.name for path in models_in(tmp_path)] == ["a.pth", "b.pt", "c.safetensors"]


def test_errors_of_the_other_process_are_ours(tmp_path: Path) -> None:
    with pytest.raises(MissingInput, match=r"none\.pth: no such file"):
        convert(tmp_path / "none.pth")
    (tmp_path / "bad.safetensors").write_bytes(b"")
    with pytest.raises(ValueError, match=r"bad\.safetensors: cannot be read as safetensors"):
        convert(tmp_path / "bad.safetensors")


def test_a_process_that_fell_over_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    killed = tmp_path / "python"
    killed.write_text("#!/bin/sh\necho out of memory >&2\nexit 137\n")
    killed.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(killed))
    with pytest.raises(ModelError, match=r"could not be converted \(out of memory\)"):
        convert(publish(tmp_path / "a.pth"))


@pytest.mark.parametrize("missing", ["torch", "einops", "spandrel"])
def test_without_a_package_both_lines_to_type_are_named(
    missing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    (tmp_path / "a.pth").touch()
    with pytest.raises(MissingExtra) as caught:
        add(tmp_path / "a.pth")
    assert str(caught.value) == (
        f"adding a.pth needs {missing}; type: pip install 'crispen[spandrel,train]', "
        f"{published.THEN}"
    )


def test_torchvision_is_neither_needed_nor_left_behind() -> None:
    code = (
        "import sys\n"
        "from crispen.lab.networks.spandrel_library import library\n"
        "library()\n"
        "assert 'spandrel' in sys.modules\n"
        "print([name for name in sys.modules if name.startswith('torchvision')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
