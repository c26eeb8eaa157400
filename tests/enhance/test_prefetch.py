import threading
import time

import pytest

from crispen.enhance.prefetch import Prefetch
from crispen.errors import Cancelled


def no_thread_is_left():
    return not [t for t in threading.enumerate() if t.name == "crispen-prefetch"]


def test_items_come_in_order():
    with Prefetch(iter(range(50)), ahead=3) as items:
        assert list(items) == list(range(50))
    assert no_thread_is_left()


def test_errors_pass_through_after_what_came_before():
    def broken():
        yield 1
        raise ZeroDivisionError("here")

    with Prefetch(broken()) as items:
        assert next(items) == 1
        with pytest.raises(ZeroDivisionError, match="here"):
            next(items)
    assert no_thread_is_left()


def test_leaving_early_ends_the_thread_and_closes_the_generator():
    closed = threading.Event()

    def endless():
        try:
            while True:
                yield 0
        finally:
            closed.set()

    def leave():
        with Prefetch(endless()) as items:
            next(items)
            raise KeyError("the writer failed")

    with pytest.raises(KeyError, match="the writer failed"):
        leave()
    assert closed.is_set()
    assert no_thread_is_left()


def test_a_cancel_is_heard_while_waiting():
    release = threading.Event()

    def slow():
        release.wait(30)
        yield 1

    def check():
        release.set()  # so that the thread can end
        raise Cancelled()

    with Prefetch(slow(), check=check) as items, pytest.raises(Cancelled):
        next(items)
    assert no_thread_is_left()


def test_it_works_ahead():
    made = []

    def items():
        for i in range(10):
            made.append(i)
            yield i

    with Prefetch(items(), ahead=2) as ahead:
        until = time.monotonic() + 5
        while len(made) < 3 and time.monotonic() < until:
            time.sleep(0.01)
        assert len(made) == 3  # two wait, a third is ready to be put
        assert list(ahead) == list(range(10))


def test_chained():
    with Prefetch(iter(range(20))) as first, Prefetch(x * 2 for x in first) as second:
        assert list(second) == [2 * i for i in range(20)]
    assert no_thread_is_left()


def test_leaving_early_interrupts_what_the_thread_does():
    released = threading.Event()
    idents = []

    def slow():
        idents.append(threading.get_ident())
        yield 1
        released.wait(30)

    def interrupt(thread):
        idents.append(thread)
        released.set()

    with Prefetch(slow(), interrupt=interrupt) as items:
        next(items)
    assert released.is_set()
    assert set(idents) == {idents[0]}
    assert no_thread_is_left()
