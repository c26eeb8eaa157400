"""Retries operations after connection errors, and reports failures in one line.

Each library has its own exceptions, so every error is retried unless it is known to be permanent:
no such file, no permission, no credentials.
"""

from __future__ import annotations

import errno
import logging
import random
import time
from collections.abc import Callable
from typing import Literal, TypeVar

from crispen.errors import CrispenError, InputError, MissingInput, OutputError
from crispen.progress import Progress

T = TypeVar("T")

log = logging.getLogger(__name__)

TRIES = 4
_FIRST_WAIT_S = 0.5
_LOOK_EVERY_S = 0.1

# By class name, because the libraries may not be installed.
_REFUSED = {
    "ClientAuthenticationError": "the store does not accept the credentials",
    "DefaultCredentialsError": "no credentials were found",
    "HostKeyNotVerifiable": "the host's key is not in known_hosts; connect once with ssh to add it",
    "LogonFailure": "the server does not accept the user or the password",
    "NoCredentialsError": "no credentials were found",
    "PartialCredentialsError": "the credentials are incomplete",
    "PermissionDenied": "the server does not accept the user, the key or the password",
    "ProfileNotFound": "this profile does not exist",
    "SMBAuthenticationError": "the server does not accept the user or the password",
    "TokenRetrievalError": "the credentials have expired; sign in again",
}
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
_FINAL = (
    FileNotFoundError,
    FileExistsError,
    IsADirectoryError,
    NotADirectoryError,
    PermissionError,
    KeyError,
    TypeError,
)


def tried(
    action: Callable[[], T],
    shown: str,
    progress: Progress,
    *,
    doing: Literal["read", "written"] = "read",
    again: Callable[[], None] | None = None,
    tries: int = TRIES,
) -> T:
    """The result of `action`, which is retried after temporary errors.

    Args:
        action: The operation.
        shown: Address of the file or folder, for messages.
        progress: Can cancel.
        doing: Whether the operation reads or writes, for messages.
        again: Called before each retry, for example to reconnect.
        tries: Maximum number of tries, the first included.

    Raises:
        MissingInput: The file to read does not exist.
        InputError: The file cannot be read.
        OutputError: The file cannot be written.
    """
    for number in range(1, tries + 1):
        progress.check()
        try:
            if number > 1 and again is not None:
                again()
            return action()
        except CrispenError:
            raise
        except FileExistsError:
            raise
        except FileNotFoundError as error:
            if doing == "read":
                text = f"{shown}: no such file or folder; check the address"
                raise MissingInput(text) from error
            text = f"{shown}: cannot be written: its bucket or folder does not exist; create it"
            raise OutputError(text) from error
        except Exception as error:
            log.debug("%s: try %d failed", shown, number, exc_info=True)
            kind = OutputError if doing == "written" else InputError
            if is_final(error):
                raise kind(f"{shown}: cannot be {doing}: {reason(error)}") from error
            if number == tries:
                raise kind(
                    f"{shown}: cannot be {doing} after {tries} tries: {reason(error)}; check the "
                    "network, then run the command again"
                ) from error
            _wait(_FIRST_WAIT_S * 2 ** (number - 1) * random.uniform(0.75, 1.25), progress)
    raise AssertionError("unreachable")


def _wait(seconds: float, progress: Progress) -> None:
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        progress.check()
        time.sleep(min(left, _LOOK_EVERY_S))


def is_final(error: Exception) -> bool:
    """Whether an error is permanent, so that a retry would fail too."""
    full = isinstance(error, OSError) and error.errno in _FULL
    return full or isinstance(error, _FINAL) or type(error).__name__ in _REFUSED


def reason(error: Exception) -> str:
    """The cause of an error, as a clause for a message."""
    refused = _REFUSED.get(type(error).__name__)
    if refused is not None:
        return refused
    if isinstance(error, PermissionError):
        return "permission denied by the store; check the credentials and their permissions"
    text = str(getattr(error, "strerror", None) or error) or type(error).__name__
    return " ".join(text.split())[:300]
