"""Classic comparisons, each from start to finish: ``crispen study NAME``.

A study is a `Study` in a file of its own and one line in `STUDIES`; its page is
``docs/studies/NAME.md``.
"""

from __future__ import annotations

from crispen.errors import UsageError, nearest_names
from crispen.lab.studies.classic import CLASSIC
from crispen.lab.studies.color import COLOR
from crispen.lab.studies.denoising import DENOISING
from crispen.lab.studies.losses import LOSS_STUDY
from crispen.lab.studies.residual import RESIDUAL
from crispen.lab.studies.sharpen import SHARPEN
from crispen.lab.studies.study import Study, Training
from crispen.lab.studies.twice import TWICE
from crispen.lab.studies.unet import UNET

STUDIES: tuple[Study, ...] = (
    CLASSIC,
    DENOISING,
    RESIDUAL,
    LOSS_STUDY,
    COLOR,
    TWICE,
    SHARPEN,
    UNET,
)


def find_study(name: str) -> Study:
    """The study with this name.

    Raises:
        UsageError: No study has this name.
    """
    known = {study.name: study for study in STUDIES}
    if name not in known:
        hint = nearest_names(name, known) or f"; those are {', '.join(known)}"
        raise UsageError(f"{name}: no such study{hint}")
    return known[name]


__all__ = ["STUDIES", "Study", "Training", "find_study"]
