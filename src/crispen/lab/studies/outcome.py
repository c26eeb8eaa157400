"""What a study found: tables and pictures, whatever they are written as."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Value = str | float | int | None
Row = Mapping[str, Value]
_UNKNOWN = "–"


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        key: Its name in a row, in CSV and in JSON.
        title: Above it.
        form: How a number is written, as in ``.2f``.
        better: Which of its numbers is the best, if any is.
    """

    key: str
    title: str
    form: str = ""
    better: Literal["high", "low", ""] = ""

    def written(self, value: Value) -> str:
        """A cell.

        >>> Column("psnr", "PSNR", ".2f").written(28.2612), Column("psnr", "PSNR").written(None)
        ('28.26', '–')
        """
        if value is None or (isinstance(value, float) and math.isnan(value)):
            return _UNKNOWN
        return value if isinstance(value, str) else format(value, self.form)


NAME = Column("name", "")
PSNR = Column("psnr", "PSNR, dB", ".2f", "high")
SSIM = Column("ssim", "SSIM", ".4f", "high")
MSE = Column("mse", "MSE", ".4f", "low")
PARAMETERS = Column("parameters", "parameters", ",")


@dataclass(frozen=True)
class ResultTable:
    """A table.

    Attributes:
        key: Its file's name; letters, digits and dashes.
        title: Above it.
        columns: The first names the row.
        rows: Cells by the column's key; a column that is left out is unknown.
        note: How the numbers came about.
    """

    key: str
    title: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    note: str = ""

    def numbers(self, column: str) -> dict[str, float]:
        """The numbers of a column by the names of their rows; those that are known."""
        cells = ((str(row["name"]), row.get(column)) for row in self.rows)
        return {name: float(v) for name, v in cells if isinstance(v, int | float)}

    def number(self, name: str, column: str) -> float:
        """The number in the row of that name.

        Raises:
            KeyError: There is none.
        """
        return self.numbers(column)[name]

    def best(self, column: Column) -> float | None:
        """The best number of a column, if the column tells good from bad and has two numbers."""
        values = [row.get(column.key) for row in self.rows]
        numbers = [v for v in values if isinstance(v, int | float) and math.isfinite(v)]
        if not column.better or len(numbers) < 2:
            return None
        return max(numbers) if column.better == "high" else min(numbers)


@dataclass(frozen=True, eq=False)
class ResultPicture:
    """A picture.

    Attributes:
        key: Its file's name; letters, digits and dashes.
        caption: What it shows.
        pixels: ``(height, width, 3)``.
    """

    key: str
    caption: str
    pixels: NDArray[np.uint8] = field(repr=False)


@dataclass(frozen=True)
class Outcome:
    """All of it.

    Attributes:
        tables: The first is the one that answers the question.
        pictures: To look at.
    """

    tables: Sequence[ResultTable]
    pictures: Sequence[ResultPicture] = ()


def beside(
    rows: Sequence[Row], originals: Mapping[str, Mapping[str, Value]], columns: Sequence[Column]
) -> tuple[list[Column], list[Row]]:
    """Rows with the published figures beside them, and the columns for those.

    Args:
        rows: Measured ones, each with ``name``.
        originals: What was published, by the row's name and the column's key.
        columns: Those that were published.

    >>> columns, rows = beside([{"name": "a", "psnr": 1.0}], {"a": {"psnr": 2.0}}, [PSNR])
    >>> columns[0].title, rows[0]["original_psnr"]
    ('original: PSNR, dB', 2.0)
    """
    more = [Column(f"original_{c.key}", f"original: {c.title}", c.form) for c in columns]
    both: list[Row] = []
    for row in rows:
        published = originals.get(str(row["name"]), {})
        both.append(dict(row) | {f"original_{c.key}": published.get(c.key) for c in columns})
    return more, both


def gap(decibels: float) -> str:
    """How much better a PSNR is, in words.

    >>> gap(1.234), gap(-0.5), gap(0.004)
    ('1.23 dB above', '0.50 dB below', 'level with')
    """
    if abs(decibels) < 0.005:
        return "level with"
    return f"{abs(decibels):.2f} dB {'above' if decibels > 0 else 'below'}"
