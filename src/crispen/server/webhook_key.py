"""The secret that messages to other servers are signed with."""

from __future__ import annotations

import base64
import binascii

_PREFIX = "whsec_"


def key_of(secret: str) -> bytes:
    """The bytes of a secret, ``whsec_`` and base64.

    Raises:
        ValueError: It is none, or has fewer than 24 bytes.
    """
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error:
        key = b""
    if not secret.startswith(_PREFIX) or len(key) < 24:
        raise ValueError(
            "a webhook's secret is whsec_ and 24 bytes or more in base64; "
            "echo whsec_$(openssl rand -base64 24) makes one"
        )
    return key
