"""Tries out a model file that is to be added: does it load, and does it answer?

That is done in a process of its own, since a damaged or hostile graph can make OpenVINO crash.
"""

from __future__ import annotations

import json
import multiprocessing
import sys
from pathlib import Path
from typing import Any, NamedTuple

from crispen.engines._separate import ask, say
from crispen.errors import ModelError, UsageError
from crispen.models.card import Color, ModelCard, Task, has_card, read_card
from crispen.models.store import with_card

# For a small window; a hostile graph can work for ever.
_LIMIT_S = 600.0


class Stated(NamedTuple):
    """What the user states about a model; None leaves it to the card, or to a test run."""

    name: str | None
    task: Task | None
    scale: int | None
    color: Color | None


def trial(part: Path, source: str, stem: str, stated: Stated, known: dict[str, Any]) -> ModelCard:
    """The card, after a test run on one small window; `part` then contains that card.

    Args:
        part: The ONNX file.
        source: Where it came from, for errors.
        stem: Its name, unless one is stated.
        stated: What the user says; checked.
        known: Fields of the card that a translation knows.

    Raises:
        ModelError: It does not work.
        UsageError: Something stated does not fit, or the name is not a name.
    """
    if multiprocessing.parent_process() is None:
        given = json.dumps([str(part), source, stem, stated, known])
        ask("crispen.engines.trial", given, file=source, work="tried out", limit_s=_LIMIT_S)
    else:  # a helper of the server, which is such a process already, with limits of its own
        check(part, source, stem, stated, known)
    return read_card(part)


def check(part: Path, source: str, stem: str, stated: Stated, known: dict[str, Any]) -> None:
    """As `trial`, in this process."""
    # Not above: OpenVINO takes 0.4 s to import.
    import numpy as np

    from crispen.engines.openvino import OpenVinoEngine
    from crispen.engines.probe import probe

    content = part.read_bytes()
    try:
        try:
            card = read_card(part)
        except ModelError:
            if has_card(content):
                raise
            name = stem if stated.name is None else stated.name
            card = probe(
                content,
                name,
                file=source,
                task=stated.task,
                scale=stated.scale,
                color=stated.color,
            )
            card = card.model_copy(update=known)
        else:
            _agree(card, stated)
            if stated.name is not None:
                card = card.model_copy(update={"name": stated.name})
        part.write_bytes(with_card(content, card))
        card = read_card(part)  # checks the name too
        engine = OpenVinoEngine(part, card)
        try:
            side = card.window_px or 16 * card.multiple
            engine.run(np.full((side, side, 3), 128, np.uint8))
        finally:
            engine.close()
    except ModelError as error:
        raise ModelError(str(error).replace(str(part), source)) from error


def _agree(card: ModelCard, stated: Stated) -> None:
    for field in ("task", "scale", "color"):
        asked, found = getattr(stated, field), getattr(card, field)
        if asked is not None and asked != found:
            raise UsageError(f"its card says {field} {found}, not {asked}; leave --{field} out")


def main() -> None:
    """Tries the model that the command line describes."""
    part, source, stem, stated, known = json.loads(sys.argv[1])

    def answer() -> dict[str, Any]:
        check(Path(part), source, stem, Stated(*stated), known)
        return {}

    say(answer)


if __name__ == "__main__":
    main()
