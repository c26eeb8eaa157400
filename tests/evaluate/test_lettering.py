"""Text as pixels."""

from __future__ import annotations

import numpy as np

from crispen.evaluate.lettering import LETTERS, draw_text, line_height


def ink(line: np.ndarray) -> int:
    columns = np.flatnonzero(line.max(axis=0))
    return int(columns[-1]) + 1 if len(columns) else 0


def test_every_letter_but_the_space_has_ink() -> None:
    for letter in LETTERS:
        line = draw_text(letter, 60)
        assert line.shape == (line_height(), 60)
        assert (line.max() > 128) == (letter != " "), letter


def test_a_line_is_its_letters_side_by_side() -> None:
    both, first = draw_text("AB", 200), draw_text("A", 200)
    width = ink(both) - ink(draw_text("B", 200))
    assert np.array_equal(both[:, :width], first[:, :width])


def test_what_does_not_fit_ends_in_an_ellipsis() -> None:
    line = draw_text("a long name of a file", 80)
    short = draw_text("…", 80)
    dots = short[:, : ink(short)]
    assert ink(line) <= 80
    right = line[:, ink(line) - ink(short) : ink(line)]
    assert np.array_equal(right, dots)


def test_unknown_letters_are_question_marks() -> None:
    assert np.array_equal(draw_text("漢", 40), draw_text("?", 40))
