"""Learning from another network's answers."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from crispen.errors import MissingInput, UsageError
from crispen.lab.export import _taught, to_onnx
from crispen.lab.networks.plain import Plain
from crispen.lab.recipe import load_recipe
from crispen.lab.teacher import Teacher, TeacherTable
from crispen.models.card import ModelCard, Training
from crispen.models.card_page import card_page

CPU = torch.device("cpu")


@pytest.fixture
def teacher(tmp_path: Path) -> tuple[Path, Plain]:
    torch.manual_seed(0)
    network = Plain(4, 3, width=8, depth=1, rich=False).eval()
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    card = ModelCard(name="teacher", scale=4, color="rgb", task="restore", base="bicubic", halo=9)
    path = tmp_path / "teacher.onnx"
    path.write_bytes(to_onnx(network, card).SerializeToString())
    return path, network


def test_its_answer_is_the_target(teacher: tuple[Path, Plain]) -> None:
    path, network = teacher
    x = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    answer = Teacher(TeacherTable(model=str(path)), 4, CPU)(x, torch.zeros(2, 3, 32, 32))
    with torch.no_grad():
        expected = network(x)
    # In bf16, where that is fast.
    torch.testing.assert_close(answer, expected, atol=0.03, rtol=0)


def test_a_larger_answer_is_shrunk_and_mixed_with_the_truth(teacher: tuple[Path, Plain]) -> None:
    path, _ = teacher
    x, truth = torch.rand(1, 3, 8, 8), torch.zeros(1, 3, 16, 16)
    whole = Teacher(TeacherTable(model=str(path)), 2, CPU)(x, truth)
    half = Teacher(TeacherTable(model=str(path), share=0.5), 2, CPU)(x, truth)
    assert whole.shape == (1, 3, 16, 16)
    torch.testing.assert_close(half, whole / 2)


def test_a_teacher_that_does_not_fit(teacher: tuple[Path, Plain], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="the student needs rgb at x3"):
        Teacher(TeacherTable(model=str(teacher[0])), 3, CPU)
    with pytest.raises(MissingInput, match=r"teacher\.model"):
        Teacher(TeacherTable(model=str(tmp_path / "none.onnx")), 2, CPU)


def test_luma_is_taught_by_luma_in_full_precision(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = Plain(2, 1, width=8, depth=1, rich=False).eval()
    card = ModelCard(name="teacher", scale=2, color="luma", task="upscale", base="bicubic", halo=4)
    path = tmp_path / "teacher.onnx"
    path.write_bytes(to_onnx(network, card).SerializeToString())
    x = torch.rand(2, 1, 8, 8, generator=torch.Generator().manual_seed(1))
    answer = Teacher(TeacherTable(model=str(path)), 2, CPU, "luma")(x, torch.zeros(2, 1, 16, 16))
    with torch.no_grad():
        torch.testing.assert_close(answer, network(x).clamp(0, 1), atol=1e-5, rtol=0)
    with pytest.raises(UsageError, match="gives luma at x2; the student needs rgb at x2"):
        Teacher(TeacherTable(model=str(path)), 2, CPU)


def test_the_card_names_it() -> None:
    said = _taught(load_recipe("vivid-x4"))
    assert said["teacher"] == "Real-ESRGAN x4plus"
    assert "BSD-3-Clause" in said["teacher_licence"]
    card = ModelCard(name="a", training=Training(recipe="vivid-x4", **said))
    assert "Xintao Wang" in card_page(card)
    assert "learned to answer like" not in card_page(
        ModelCard(name="a", training=Training(recipe="b"))
    )
