"""How often a piece of work is tried."""

from __future__ import annotations

from crispen.cluster.tries import MOST_NODES, Tries


def test_lost_machines_are_counted_apart_from_ended_processes() -> None:
    tries = Tries()
    assert all(tries.count(with_node=True) for _ in range(MOST_NODES - 1))
    assert tries.count(with_node=False)
    assert not tries.count(with_node=True)
    assert "lost 10 times" in tries.text
    tries = Tries()
    assert [tries.count(with_node=False) for _ in range(3)] == [True, True, False]
    assert "ended 3 times" in tries.text
