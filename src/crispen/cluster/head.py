"""The head of a cluster: which machines there are, and whether it is there at all."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

from crispen.errors import CrispenError

_ASK_EVERY_S = 2.0
_KNOCK_S = 2.0
# So long it may think about an answer.
_ANSWER_S = 5.0
# So long it may be away, as when a busy machine does not answer.
_AWAY_S = 10.0


class HeadLost(CrispenError):
    """The head of the cluster no longer answers."""


class Head:
    """Asks the head every two seconds.

    Ray itself waits a minute for a head that has died, and then ends the process without a word;
    until then its calls do not return.

    Args:
        ray: The module, connected.
        address: Of the cluster; see `crispen.cluster.connection.connected`.
    """

    def __init__(self, ray: Any, address: str) -> None:
        self._ray = ray
        self._address = address
        if not address.startswith("ray://"):  # such as "auto", or a Ray of this machine
            address = f"//{ray.get_runtime_context().gcs_address}"
        place = urlsplit(address)
        self._place: tuple[str | None, int | None] | None = (place.hostname, place.port)
        self._asked = -_ASK_EVERY_S
        self._answered: float | None = None
        self._asking: Future[list[dict[str, Any]]] | None = None
        self._nodes: list[dict[str, Any]] = []

    def nodes(self, *, fresh: bool = False) -> list[dict[str, Any]]:
        """The machines, as ``ray.nodes()`` described them in the last two seconds.

        Args:
            fresh: Ask in any case.

        Raises:
            HeadLost: There is no head.
        """
        now = time.monotonic()
        if fresh or now - self._asked >= _ASK_EVERY_S:
            self._asked = now
            if self._place is None or self._listens(self._place, now):
                self._ask(now)
        return self._nodes

    def _listens(self, place: tuple[str | None, int | None], now: float) -> bool:
        try:
            socket.create_connection(place, timeout=_KNOCK_S).close()
        except OSError as error:
            if self._answered is None:
                self._place = None  # out of reach from here, as behind a client of Ray
                return True
            self._miss(now, error.strerror or str(error))
            return False
        if self._answered is None:
            self._answered = now
        return True

    def _ask(self, now: float) -> None:
        """Ask Ray in a thread, since the head can die before it has answered."""
        if self._asking is None:
            self._asking = Future()
            Thread(target=_resolve, args=(self._asking, self._ray.nodes), daemon=True).start()
        asking = self._asking
        try:
            self._nodes = asking.result(_ANSWER_S)
        except TimeoutError:
            self._miss(now, "it has been asked in vain")
        else:
            self._answered = now
        finally:
            if asking.done():
                self._asking = None

    def _miss(self, now: float, reason: str) -> None:
        if self._answered is None or now - self._answered <= _AWAY_S:
            return
        raise HeadLost(
            f"--cluster {self._address}: its head no longer answers ({reason}); finished files "
            "are complete: start the cluster again and type the same command"
        )


def _resolve(future: Future[list[dict[str, Any]]], ask: Callable[[], list[dict[str, Any]]]) -> None:
    try:
        future.set_result(ask())
    except BaseException as error:
        future.set_exception(error)
