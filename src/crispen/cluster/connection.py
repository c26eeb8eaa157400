"""Connects to Ray: a cluster by its address, or a local one on this machine."""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

from crispen.errors import UsageError, needs_extra

log = logging.getLogger(__name__)

LOCAL = "local"
ADDRESS = "CRISPEN_CLUSTER"
# Only words about results go through Ray's store; pixels stay in files.
_STORE_BYTES = 80 << 20
_TRIES = 3
_SLOW = ("timed out during startup", "Initialization failure")
_KNOCK_S = 10.0
_STOPS = ("SIGINT", "SIGTERM", "SIGHUP")


def chosen_address(asked: str) -> str:
    """The address of a cluster: the requested one, else that of the environment, else ``local``."""
    return asked or os.environ.get(ADDRESS, "") or LOCAL


@contextmanager
def connected(address: str) -> Iterator[Any]:
    """The module ``ray``, connected in the block; a Ray of this machine ends with it.

    Args:
        address: ``local``, ``auto``, ``HOST:PORT`` or ``ray://HOST:PORT``.

    Raises:
        UsageError: There is no cluster at that address.
        MissingExtra: Ray is not installed.
    """
    # Crispen sends no telemetry, and neither do its dependencies.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # A call after the end of a connection would start a Ray of its own.
    os.environ.setdefault("RAY_ENABLE_AUTO_CONNECT", "0")
    with needs_extra("--cluster", "cluster"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import ray
    if ray.is_initialized():  # as in a notebook, whose owner ends it
        yield ray
        return
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    if address == LOCAL:
        where: dict[str, Any] = {
            "include_dashboard": False,
            "object_store_memory": _STORE_BYTES,
            "_node_ip_address": "127.0.0.1",
        }
    else:
        where = {}
        _knock(address)
    with _own_signals(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _begin(ray, address, **where, **quiet)
    try:
        with _quiet():
            yield ray
    finally:
        ray.shutdown()


def _begin(ray: Any, address: str, **options: Any) -> None:
    for number in range(1, _TRIES + 1):
        try:
            ray.init(address, **options)
            return
        except Exception as error:  # Ray raises some errors without a type of their own
            text = str(error).strip()
            ray.shutdown()
            # On a busy machine, processes take longer to start than Ray waits.
            if number < _TRIES and any(words in text for words in _SLOW):
                continue
            reason = (text.splitlines() or [type(error).__name__])[-1].strip()
            if address != LOCAL:
                raise _nobody(address, reason) from error
            raise UsageError(
                f"--cluster: Ray does not start here ({reason[:200]}); try again, or leave "
                "--cluster out"
            ) from error


def _knock(address: str) -> None:
    """Check that something listens there; Ray itself would wait more than ten minutes."""
    place = urlsplit(address if "://" in address else f"//{address}")
    try:
        port = place.port
    except ValueError as error:
        raise _nobody(address, str(error)) from error
    if place.hostname is None or port is None:  # such as "auto", which Ray resolves
        return
    try:
        socket.create_connection((place.hostname, port), timeout=_KNOCK_S).close()
    except OSError as error:
        raise _nobody(address, error.strerror or str(error)) from error


def _nobody(address: str, reason: str) -> UsageError:
    return UsageError(
        f"--cluster {address}: no cluster answers there ({reason[:200]}); start one with "
        "'ray start --head', or give --cluster alone for this machine"
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """Logs what Ray says about lost nodes, which it would otherwise print among the results."""
    internals: Any = import_module("ray._private.worker")
    plain = getattr(internals, "print_to_stdstream", None)
    if plain is None:
        yield
        return

    def note(data: dict[str, Any], **_: object) -> None:
        log.debug("ray: %s", data.get("lines"))

    internals.print_to_stdstream = note
    try:
        yield
    finally:
        internals.print_to_stdstream = plain


@contextmanager
def _own_signals() -> Iterator[None]:
    """Keeps the handlers of signals, which Ray replaces."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    known = [signal.Signals[name] for name in _STOPS if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in known}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
