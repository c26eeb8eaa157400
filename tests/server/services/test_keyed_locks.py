"""One at a time for one thing, however many ask and whenever they do."""

from __future__ import annotations

import asyncio

from crispen.server.services.keyed_locks import KeyedLocks


def test_nobody_else_is_in_the_block() -> None:
    locks = KeyedLocks()
    inside: list[int] = []
    most = 0

    async def work(number: int) -> None:
        nonlocal most
        async with locks.hold("x"):
            inside.append(number)
            most = max(most, len(inside))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            inside.remove(number)

    async def comers() -> None:
        # Each comes just as one before it leaves, when the lock is free and another waits for it.
        tasks = [asyncio.create_task(work(0)), asyncio.create_task(work(1))]
        for number in range(2, 40):
            await asyncio.sleep(0)
            tasks.append(asyncio.create_task(work(number)))
        await asyncio.gather(*tasks)

    asyncio.run(comers())
    assert most == 1
    assert len(locks) == 0
