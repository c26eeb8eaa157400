"""Files on the web: read-only, one at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from crispen.downloads import Resuming
from crispen.errors import CrispenError, InputError, MissingInput, UsageError
from crispen.progress import Progress
from crispen.stores.address import Address, file_name
from crispen.stores.store import Entry, Store
from crispen.stores.trying import tried

if TYPE_CHECKING:
    import requests

T = TypeVar("T")

_TIMEOUT_S = 30
_BUSY = (408, 425, 429)


class WebStore(Store):
    """A store with a single file: that of a web address.

    Args:
        address: Address of the file.
    """

    writable = False

    def __init__(self, address: Address) -> None:
        super().__init__(address.shown.removesuffix(address.name))
        self._address = address
        self._file = address.shown

    def files(self, *, recursive: bool, progress: Progress) -> Iterator[Entry]:
        """Not supported: web servers do not list files."""
        raise UsageError(f"{self.shown}: files on the web cannot be listed; name each file")

    def find(self, name: str, progress: Progress) -> Entry | None:
        """The file's name, size and version as the server reports them."""
        if not file_name(self._address):
            return None
        return self._tried(self._asked, progress)

    def is_folder(self, name: str, progress: Progress) -> bool:
        """Whether the address has no file name."""
        return not file_name(self._address)

    def start(self, name: str, size: int, progress: Progress) -> bytes:
        """The first `size` bytes of the file, or fewer if it is shorter."""

        def read() -> bytes:
            import requests

            headers = {"Range": f"bytes=0-{size - 1}", "Accept-Encoding": "identity"}
            with requests.get(
                self._address.text, headers=headers, stream=True, timeout=_TIMEOUT_S
            ) as answer:
                answer.raise_for_status()
                return next(answer.iter_content(size), b"")

        return self._tried(read, progress)

    def fetch(self, entry: Entry, path: Path, progress: Progress) -> None:
        """Download the file; resumes an interrupted download if the server supports it."""
        part = path.with_name(f"{path.name}.part")
        fetching = Resuming(part, progress, shown=self._file)
        self._tried(lambda: fetching(self._address.text, str(path), None), progress, fetching)

    def of(self, entry: Entry) -> str:
        """The file's address."""
        return self._file

    def _asked(self) -> Entry:
        import requests

        url, headers = self._address.text, {"Accept-Encoding": "identity"}
        answer = requests.head(url, headers=headers, timeout=_TIMEOUT_S, allow_redirects=True)
        if answer.status_code in (403, 405, 501):  # some URLs allow only GET, such as signed ones
            answer = requests.get(url, headers=headers, timeout=_TIMEOUT_S, stream=True)
            answer.close()
        answer.raise_for_status()
        length = answer.headers.get("Content-Length", "")
        version = answer.headers.get("ETag") or answer.headers.get("Last-Modified", "")
        size = int(length) if length.isdigit() else None
        return Entry(file_name(self._address), size, version)

    def _tried(
        self, action: Callable[[], T], progress: Progress, fetching: Resuming | None = None
    ) -> T:
        """The result of `action`; its errors omit the full URL, which may contain a signature."""
        from requests import RequestException

        def safely() -> T:
            try:
                return action()
            except RequestException as error:
                raise self._told(error, fetching) from None

        return tried(safely, self._file, progress)

    def _told(self, error: requests.RequestException, fetching: Resuming | None) -> Exception:
        from requests.exceptions import HTTPError, Timeout

        if isinstance(error, HTTPError) and error.response is not None:
            status = error.response.status_code
            said = f"{status} {error.response.reason}"
            if status in (404, 410):
                return MissingInput(f"{self._file}: the server has no such file ({said})")
            if status < 500 and status not in _BUSY:
                return InputError(f"{self._file}: the server refuses the request ({said})")
            return ConnectionError(f"the server answers {said}")
        if isinstance(error, ValueError) and not isinstance(error, CrispenError | OSError):
            return InputError(f"{self._file}: not a valid web address")
        if isinstance(error, Timeout):
            return ConnectionError(f"the server does not answer within {_TIMEOUT_S} s")
        if fetching is not None and (fetching.done or fetching.total):
            total = f" of {fetching.total}" if fetching.total else ""
            return ConnectionError(f"the connection was closed after {fetching.done}{total} bytes")
        return ConnectionError("the server cannot be reached")
