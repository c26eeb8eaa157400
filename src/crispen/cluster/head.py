"""The head of a cluster: how much room its machines have, and whether it is there at all."""

from __future__ import annotations

import socket
import time
from typing import Any
from urllib.parse import urlsplit

from crispen.cluster.share import Share
from crispen.errors import CrispenError

_ASK_EVERY_S = 2.0
_KNOCK_S = 2.0
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
        share: What each worker has of a machine.
    """

    def __init__(self, ray: Any, address: str, share: Share) -> None:
        self._ray = ray
        self._address = address
        self._share = share
        if not address.startswith("ray://"):  # such as "auto", or a Ray of this machine
            address = f"//{ray.get_runtime_context().gcs_address}"
        place = urlsplit(address)
        self._place = place.hostname, place.port
        self._asked = self._answered = -_ASK_EVERY_S
        self._room = 0

    def room(self) -> int:
        """How many workers the machines have room for, as counted in the last two seconds.

        Raises:
            HeadLost: There is no head.
        """
        now = time.monotonic()
        if now - self._asked < _ASK_EVERY_S:
            return self._room
        self._asked = now
        try:
            socket.create_connection(self._place, timeout=_KNOCK_S).close()
        except OSError as error:
            if self._answered > 0 and now - self._answered > _AWAY_S:
                raise HeadLost(
                    f"--cluster {self._address}: its head no longer answers "
                    f"({error.strerror or error}); finished files are complete: start the cluster "
                    "again and type the same command"
                ) from error
            return self._room
        self._answered = now
        self._room = self._share.room(self._ray.nodes())
        return self._room
