"""A description of each degradation, read from its class: for lists and documents."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass
from typing import Any

from crispen.lab.degradations.base import Degradation
from crispen.lab.degradations.spec import KINDS

# One of each, as typed, strong enough to be visible.
EXAMPLES: dict[str, str] = {
    "bicubic": "bicubic=3",
    "resize": "resize=nearest:factor=3",
    "decimate": "decimate=3:sigma=2",
    "chebyshev": "chebyshev=3",
    "pixelate": "pixelate=0.25",
    "gaussian-blur": "gaussian-blur=2",
    "anisotropic-blur": "anisotropic-blur=4:ratio=0.2,angle=30",
    "motion-blur": "motion-blur=15:angle=45",
    "disc-blur": "disc-blur=3",
    "shake-blur": "shake-blur=12",
    "median-blur": "median-blur=5",
    "sinc": "sinc=0.4",
    "gaussian-noise": "gaussian-noise=25",
    "poisson-noise": "poisson-noise=40",
    "camera-noise": "camera-noise=20",
    "salt-and-pepper": "salt-and-pepper=0.3",
    "color-noise": "color-noise=0.3",
    "darken": "darken=0.6",
    "brighten": "brighten=0.6",
    "exposure": "exposure=-2",
    "gamma": "gamma=2",
    "contrast": "contrast=0.4",
    "color-cast": "color-cast=1",
    "jpeg": "jpeg=10",
    "webp": "webp=10",
    "video": "video=36",
    "blind": "blind",
    "life": "life",
    "one-of": 'one-of:parts=[{kind="jpeg",quality=10},{kind="darken",proportion=0.5}]',
    "shuffle": 'shuffle:parts=[{kind="gaussian-noise",sigma=30},{kind="median-blur"}]',
    "chain": 'chain:parts=[{kind="gaussian-blur",sigma=1.5},{kind="jpeg",quality=15}]',
}


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a degradation.

    Attributes:
        name: Its name in recipes and on the command line.
        default: As typed; empty if there is none.
        description: Its meaning.
    """

    name: str
    default: str
    description: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One degradation.

    Attributes:
        kind: Its name.
        summary: What it is, in one line.
        formula: What it computes.
        text: The rest of the docstring, with its source.
        main: The argument that ``KIND=VALUE`` sets; may be empty.
        arguments: All of them; those common to all degradations come last.
        example: As typed after ``--with``.
    """

    kind: str
    summary: str
    formula: str
    text: str
    main: str
    arguments: tuple[Argument, ...]
    example: str


def catalogue() -> list[Entry]:
    """All degradations, in the order of the documents."""
    return [_entry(kind, degradation) for kind, degradation in KINDS.items()]


def _entry(kind: str, degradation: type[Degradation]) -> Entry:
    doc = inspect.cleandoc(degradation.__doc__ or "")
    summary, _, rest = doc.partition("\n\n::\n\n")
    lines = rest.split("\n")
    indented = next((i for i, line in enumerate(lines) if line and line[0] != " "), len(lines))
    formula = "\n".join(line.strip() for line in lines[:indented]).strip()
    text = " ".join(" ".join(lines[indented:]).split())
    fields = degradation.model_fields
    shared = [name for name in Degradation.model_fields if name in fields]
    names = [name for name in fields if name not in shared] + shared[1:]
    return Entry(
        kind=kind,
        summary=" ".join(summary.split()),
        formula=formula,
        text=re.sub(r"``", "`", text),
        main=degradation.main,
        arguments=tuple(
            Argument(name, shown(fields[name].get_default()), fields[name].description or "")
            for name in names
        ),
        example=EXAMPLES.get(kind, kind),
    )


def shown(value: Any) -> str:
    """A value as typed; empty if there is none.

    >>> shown((0.3, 0.6)), shown(True), shown((25.0, 25.0))
    ('0.3..0.6', 'true', '25')
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple) and len(value) == 2:
        low, high = (shown(end) for end in value)
        return low if low == high else f"{low}..{high}"
    if isinstance(value, int | float):
        return f"{value:.6g}"
    return value if isinstance(value, str) else ""
