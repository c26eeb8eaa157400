"""Tables of recipes about data."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from crispen.lab.data import DataTable, FolderTable


@pytest.mark.parametrize(
    "wrong",
    [
        {"pach": 8},
        {"patch": 0},
        {"batch": 0},
        {"valid_share": 1.0},
        {"color": "cmyk"},
        {"kind": "folders"},
        {"kind": "pairs", "resize": 9},
        {"kind": "cifar10", "patch": 33},
        {"kind": "named", "name": "imagenet"},
        {"kind": "pack"},
    ],
)
def test_tables_are_strict(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(DataTable).validate_python(wrong)


def test_a_folder_is_the_default() -> None:
    assert isinstance(TypeAdapter(DataTable).validate_python({}), FolderTable)
