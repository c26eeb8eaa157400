"""What people are told of models."""

from __future__ import annotations

from crispen.enhance.choice import CLIPS, REPAIR, VIVID
from crispen.models.guide import GUIDES, rank_of, stem_of
from crispen.models.store import shipped_names
from crispen.models.tasks import TASKS


def test_every_family_ships_and_says_when_to_use_it() -> None:
    stems = {stem_of(name) for name in shipped_names()}
    assert set(GUIDES) <= stems
    assert all(guide.use.endswith(".") for guide in GUIDES.values())


def test_what_is_done_by_default_comes_first() -> None:
    defaults = {*REPAIR.values(), *VIVID.values(), *CLIPS.values()}
    defaults |= {row.model for row in TASKS.values() if row.model}
    assert all(rank_of(name) is not None for name in defaults)
    assert rank_of("srcnn-x2") is None
