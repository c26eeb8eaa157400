"""A study's results as data: tables and pictures, independent of the output format."""

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
        key: Key in a row, in CSV and in JSON.
        title: Heading.
        form: Format specification of its numbers, as in ``.2f``.
        better: Whether high or low numbers are better; empty if neither is.
    """

    key: str
    title: str
    form: str = ""
    better: Literal["high", "low", ""] = ""

    def written(self, value: Value) -> str:
        """The text of a cell; an en dash if the value is unknown.

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
    """A table of results.

    Attributes:
        key: Name of its file, without suffix; letters, digits and dashes.
        title: Heading.
        columns: Its columns; the first contains the names of the rows.
        rows: Values by the column's key; a value that is missing is unknown.
        note: How the numbers were measured; printed below the table.
    """

    key: str
    title: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    note: str = ""

    def numbers(self, column: str) -> dict[str, float]:
        """The known numbers of the column with this key, by the names of their rows."""
        cells = ((str(row["name"]), row.get(column)) for row in self.rows)
        return {name: float(v) for name, v in cells if isinstance(v, int | float)}

    def number(self, name: str, column: str) -> float:
        """The number in the row with this name and the column with this key.

        Raises:
            KeyError: There is no such row, or its value is not a number.
        """
        return self.numbers(column)[name]

    def best(self, column: Column) -> float | None:
        """The best number of a column; None if it has fewer than two or no better direction."""
        values = [row.get(column.key) for row in self.rows]
        numbers = [v for v in values if isinstance(v, int | float) and math.isfinite(v)]
        if not column.better or len(numbers) < 2:
            return None
        return max(numbers) if column.better == "high" else min(numbers)


@dataclass(frozen=True, eq=False)
class ResultPicture:
    """A picture of results.

    Attributes:
        key: Name of its file, without suffix; letters, digits and dashes.
        caption: Text below it.
        pixels: ``(height, width, 3)`` R'G'B'.
    """

    key: str
    caption: str
    pixels: NDArray[np.uint8] = field(repr=False)


@dataclass(frozen=True)
class Outcome:
    """Tables and pictures of a study.

    Attributes:
        tables: The tables; the first answers the study's question.
        pictures: The pictures.
    """

    tables: Sequence[ResultTable]
    pictures: Sequence[ResultPicture] = ()


def beside(
    rows: Sequence[Row], originals: Mapping[str, Mapping[str, Value]], columns: Sequence[Column]
) -> tuple[list[Column], list[Row]]:
    """Adds the published figures to a table.

    Args:
        rows: Measured rows, each with ``name``.
        originals: Published figures, by the row's name and the column's key.
        columns: Columns for which figures were published.

    Returns:
        The added columns, and the rows with their values.

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
    """A difference of PSNRs in dB, in words.

    >>> gap(1.234), gap(-0.5), gap(0.004)
    ('1.23 dB above', '0.50 dB below', 'level with')
    """
    if abs(decibels) < 0.005:
        return "level with"
    return f"{abs(decibels):.2f} dB {'above' if decibels > 0 else 'below'}"
