"""Pictures enhanced within one request: seats, and clients that disconnect."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable

from ..conftest import Api, Live, error_of, nothing_left, png


def test_who_goes_away_takes_the_work_along(live: Live, api: Api) -> None:
    body = png(1000, 1000)
    with socket.create_connection(("127.0.0.1", int(live.url.rpartition(":")[2]))) as line:
        line.sendall(
            b"POST /api/v1/enhance?model=photo-x4 HTTP/1.1\r\nHost: localhost\r\n"
            b"Content-Length: %d\r\n\r\n" % len(body) + body
        )
        end = time.monotonic() + 30
        while not live.services.store.held() and time.monotonic() < end:
            time.sleep(0.02)
        assert live.services.store.held()
    nothing_left(live)


def test_no_more_wait_than_there_are_seats(start: Callable[..., Live], photo: bytes) -> None:
    # Nobody works here, so both seats stay taken until the wait is over.
    live = start(max_waiting=2, max_wait_s=4)
    answers: list[int] = []

    def ask() -> None:
        with live.client() as api:
            answers.append(api.post("/enhance", content=photo).status_code)

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    end = time.monotonic() + 10
    while len(live.services.store.hidden()) < 2 and time.monotonic() < end:
        time.sleep(0.02)
    with live.client() as api:
        answer = api.post("/enhance", content=photo)
        error_of(answer, 503, "busy")
        assert int(answer.headers["retry-after"]) > 0
    for thread in threads:
        thread.join()
    assert answers == [504, 504]
    nothing_left(live)
