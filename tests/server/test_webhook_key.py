"""The secret of messages."""

from __future__ import annotations

import pytest

from crispen.server.webhook_key import key_of


def test_a_secret():
    # The example of the Standard Webhooks specification.
    assert key_of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").hex().startswith("31f290f6bf06298a")


@pytest.mark.parametrize(
    "text", ["", "whsec_", "whsec_c2hvcnQ=", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_!!!"]
)
def test_what_is_none(text):
    with pytest.raises(ValueError, match="openssl rand -base64 24"):
        key_of(text)
