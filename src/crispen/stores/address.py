"""Addresses of files and folders: ``s3://bucket/in/``, ``https://…``, ``zip://photos.zip/in``."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from types import MappingProxyType
from urllib.parse import unquote, urlsplit, urlunsplit

from crispen.errors import UsageError

# The extra that a scheme needs; empty if it needs none.
EXTRAS = MappingProxyType(
    {
        "abfs": "az",
        "az": "az",
        "gcs": "gs",
        "gs": "gs",
        "http": "",
        "https": "",
        "s3": "s3",
        "sftp": "sftp",
        "smb": "smb",
        "zip": "",
    }
)
WEB = ("http", "https")

_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")  # at least two letters: C:/ is a path
_IN_ARCHIVE = re.compile(r"(.*?\.zip)(?:/(.*))?", re.DOTALL | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Address:
    """The address of a file or folder.

    Attributes:
        scheme: Scheme in lower case, such as ``s3``.
        folder: Address of the parent folder, or of the folder itself; ends with ``/``.
        name: Name of the file or folder in it; empty for the folder itself.
        query: Query string of a web address, with its ``?``.
        archive: Path or address of the zip file that contains `folder`; empty if there is none.
    """

    scheme: str
    folder: str
    name: str = ""
    query: str = ""
    archive: str = ""

    @property
    def text(self) -> str:
        """The full address, including credentials: never shown or logged."""
        return f"{self.folder}{self.name}{self.query}"

    @property
    def shown(self) -> str:
        """The address for display and records: without passwords and query string."""
        return without_secrets(f"{self.folder}{self.name}")

    def as_folder(self) -> Address:
        """The same address as a folder, with or without a trailing ``/``."""
        if not self.name:
            return self
        return replace(self, folder=f"{self.folder}{self.name}/", name="", query="")


def is_address(text: object) -> bool:
    """Whether a text is an address with a supported scheme, rather than a path.

    >>> is_address("s3://bucket/in/"), is_address("photos/a.jpg"), is_address("C:/photos")
    (True, False, False)
    """
    if not isinstance(text, str):
        return False
    found = _ADDRESS.match(text)
    return found is not None and found[1].lower() in EXTRAS and not os.path.lexists(text)


def parse(text: str) -> Address:
    """Splits an address into its parts.

    Raises:
        UsageError: The address has no bucket, host or archive.

    >>> parse("s3://bucket/in/a.jpg").folder, parse("s3://bucket/in/a.jpg").name
    ('s3://bucket/in/', 'a.jpg')
    >>> parse("sftp://me:secret@host/in/").shown
    'sftp://me@host/in/'
    >>> parse("zip://photos.zip/in/a.jpg").archive
    'photos.zip'
    """
    scheme, _, rest = text.partition("://")
    scheme = scheme.lower()
    if scheme == "zip":
        return _in_archive(text, rest)
    query = ""
    if scheme in WEB:
        parts = urlsplit(text)
        query = f"?{parts.query}" if parts.query else ""
        rest = urlunsplit(parts._replace(query="", fragment="")).partition("://")[2]
    place, slash, inside = rest.partition("/")
    if not place.rpartition("@")[2]:
        raise UsageError(f"{text}: names no bucket or host; write {scheme}://NAME/folder/")
    folder, between, name = inside.rpartition("/")
    return Address(scheme, f"{scheme}://{place}{slash or '/'}{folder}{between}", name, query)


def _in_archive(text: str, rest: str) -> Address:
    """``zip://INSIDE::ARCHIVE``, as in fsspec, or ``zip://ARCHIVE.zip/INSIDE``."""
    inside, chained, archive = rest.partition("::")
    if not chained:
        found = _IN_ARCHIVE.fullmatch(rest)
        if found is None:
            raise UsageError(f"{text}: names no archive; write zip://photos.zip/folder/")
        archive, inside = found[1], found[2] or ""
    folder, between, name = inside.lstrip("/").rpartition("/")
    return Address("zip", f"zip://{archive}/{folder}{between}", name, archive=archive)


def without_secrets(text: str) -> str:
    """An address without passwords and query string, for display.

    >>> without_secrets("https://me:secret@host/a.jpg?key=1")
    'https://host/a.jpg'
    """
    scheme, between, rest = text.partition("://")
    if not between:
        return text
    place, slash, inside = rest.partition("/")
    user, _, host = place.rpartition("@")
    name = user.partition(":")[0]
    if scheme in WEB:
        name, inside = "", inside.partition("?")[0]
    return f"{scheme}://{name + '@' if name else ''}{host}{slash}{inside}"


def file_name(address: Address) -> str:
    """The file's name without folders; percent-encoding of web addresses is decoded."""
    name = unquote(address.name) if address.scheme in WEB else address.name
    return name.rpartition("/")[2]
