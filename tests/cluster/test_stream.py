"""Items that are fetched as they are needed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from crispen.cluster.stream import Stream


def test_one_item_is_fetched_in_advance() -> None:
    fetched: list[int] = []

    def numbers() -> Iterator[int]:
        for number in range(1000):
            fetched.append(number)
            yield number

    stream = Stream(numbers(), 1000)
    assert fetched == [0]
    assert [stream.popleft() for _ in range(3)] == [0, 1, 2]
    assert fetched == [0, 1, 2, 3]
    assert (len(stream), stream.first) == (997, 3)


def test_what_is_put_back_comes_first() -> None:
    stream = Stream("ab", 2)
    first = stream.popleft()
    stream.appendleft(first)
    assert len(stream) == 2
    assert [stream.popleft(), stream.popleft()] == ["a", "b"]
    assert not stream
    stream.appendleft("b")
    assert stream
    assert (len(stream), stream.popleft()) == (1, "b")


@pytest.mark.parametrize("count", [0, 2, 9])
def test_the_count_may_be_wrong(count: int) -> None:
    stream = Stream("abcd", count)
    taken = ""
    while stream:
        assert len(stream) >= 1
        taken += stream.popleft()
    assert (taken, len(stream)) == ("abcd", 0)
