"""The one way in which files are fetched: public data, models by URL, weights of metrics.

`pooch` sees to it that only a file with the right checksum gets its name. An interrupted download
is kept beside it and continued, if the server says that the file is still the same one.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crispen.errors import InputError
from crispen.progress import Progress

if TYPE_CHECKING:
    import requests

_CHUNK_BYTES = 1 << 16
_TIMEOUT_S = 30
_TRIES = 3


class DownloadError(InputError):
    """A file that could not be fetched; the text is a clause for the caller's own error.

    Attributes:
        damaged: Whether something came that is not the file.
    """

    def __init__(self, reason: str, *, damaged: bool = False) -> None:
        super().__init__(reason)
        self.damaged = damaged


def download(
    url: str,
    target: Path,
    *,
    sha256: str = "",
    progress: Progress | None = None,
    max_bytes: int | None = None,
) -> Path:
    """Fetches a file, unless it is there with the right checksum.

    Args:
        url: Of http or https.
        target: Its place; its folder is made if need be. What came of an interrupted download is
            kept as ``NAME.part`` beside it.
        sha256: Its checksum or the beginning of it; anything is taken if empty.
        progress: Receives progress events.
        max_bytes: A larger file is refused.

    Raises:
        DownloadError: It could not be fetched, or is another file, which is not kept.
        OSError: The folder cannot be written.
        Cancelled: `progress` was cancelled; what came is kept.
    """
    import pooch
    from requests.exceptions import RequestException

    whole = len(sha256) == 64
    fetching = Resuming(
        target.with_name(f"{target.name}.part"),
        progress or Progress(),
        max_bytes=max_bytes,
        beginning="" if whole else sha256,
    )
    # What it would say on its own is no part of our output.
    pooch.get_logger().setLevel("ERROR")
    try:
        found = pooch.retrieve(
            url,
            known_hash=f"sha256:{sha256}" if whole else None,
            fname=target.name,
            path=target.parent,
            downloader=fetching,
        )
    except RequestException as error:
        raise DownloadError(_reason(error, url, fetching)) from error
    except ValueError as error:
        if isinstance(error, DownloadError):
            raise
        text = f"what {url} sends has not the SHA-256 {sha256}, so it is damaged or another file"
        raise DownloadError(f"{text}; nothing was kept", damaged=True) from error
    return Path(found)


def _reason(error: requests.RequestException, url: str, fetching: Resuming) -> str:
    from requests.exceptions import ConnectionError, HTTPError, Timeout

    if isinstance(error, HTTPError) and error.response is not None:
        return f"{url} answers {error.response.status_code} {error.response.reason}"
    if isinstance(error, Timeout):
        return f"{url} does not answer within {_TIMEOUT_S} s"
    if isinstance(error, ConnectionError) and not fetching.done:
        return f"{url} cannot be reached; check the network"
    total = f" of {fetching.total}" if fetching.total else ""
    # urllib3 counts what came of this answer, a last piece that is not kept included.
    counted = re.search(r"\((\d+) bytes read", str(error))
    came = fetching.offset + int(counted[1]) if counted else fetching.done
    return f"{url} was cut off after {came}{total} bytes, what came is kept"


class Resuming:
    """Downloads for `pooch`: continues where an earlier attempt was cut off.

    What was downloaded so far is in a file of its own, with the server's mark of that version
    beside it. A server that has no such mark, or a different one now, is asked for the whole file.

    Args:
        part: Where what came so far is kept.
        progress: Receives progress events.
        max_bytes: A larger file is refused.
        beginning: Of the SHA-256, where no more of it is known.
        shown: The address for people; all of it unless given.

    Attributes:
        offset: Bytes that were there before the last answer.
        done: Bytes that are there.
        total: Bytes that the server promised, if it did.
    """

    def __init__(
        self,
        part: Path,
        progress: Progress,
        *,
        max_bytes: int | None = None,
        beginning: str = "",
        shown: str = "",
    ) -> None:
        self._part = part
        self._mark = part.with_name(f"{part.name}.etag")
        self._progress = progress
        self._max_bytes = max_bytes
        self._beginning = beginning
        self._shown = shown
        self.offset = 0
        self.done = 0
        self.total: int | None = None

    def __call__(self, url: str, output_file: str, _pooch: Any, check_only: bool = False) -> None:
        """Writes the file of `url` to `output_file`, or raises what `requests` raises."""
        import pooch
        from requests.exceptions import ChunkedEncodingError, ConnectionError

        for attempt in range(_TRIES):
            try:
                self._fetch(url)
                break
            except (ChunkedEncodingError, ConnectionError):
                # Cut off. Another attempt is worth it only if something came.
                if attempt == _TRIES - 1 or not self._part.exists():
                    raise
        shutil.move(self._part, output_file)
        self._mark.unlink(missing_ok=True)
        if not pooch.file_hash(output_file).startswith(self._beginning):
            raise DownloadError(
                f"the download from {url} is damaged (its SHA-256 does not begin with "
                f"{self._beginning}); nothing was kept",
                damaged=True,
            )

    def _fetch(self, url: str) -> None:
        import requests

        done = self._part.stat().st_size if self._part.is_file() and self._mark.is_file() else 0
        headers = {"Accept-Encoding": "identity"}
        if done:
            headers |= {"Range": f"bytes={done}-", "If-Range": self._mark.read_text()}
        with requests.get(url, headers=headers, stream=True, timeout=_TIMEOUT_S) as answer:
            if answer.status_code == requests.codes.requested_range_not_satisfiable:
                self._forget()
                self._fetch(url)
                return
            answer.raise_for_status()
            goes_on = answer.status_code == requests.codes.partial_content
            if not goes_on:
                done = 0
                self._remember(answer.headers.get("ETag", ""))
            length = answer.headers.get("Content-Length", "")
            self.offset = self.done = done
            self.total = done + int(length) if length.isdigit() else None
            with (
                self._part.open("ab" if goes_on else "wb") as file,
                self._progress.task(f"fetching {self._shown or url}", self.total, "bytes") as task,
            ):
                task.advance(done)
                for chunk in answer.iter_content(_CHUNK_BYTES):
                    file.write(chunk)
                    self.done += len(chunk)
                    self._check_size(url)
                    task.advance(len(chunk))

    def _check_size(self, url: str) -> None:
        if self._max_bytes is not None and self.done > self._max_bytes:
            self._forget()
            raise DownloadError(f"{url} is larger than {self._max_bytes >> 20} MiB")

    def _remember(self, mark: str) -> None:
        self._forget()
        # A weak mark says that two versions look alike, not that their bytes are the same.
        if mark and not mark.startswith("W/"):
            self._mark.write_text(mark)

    def _forget(self) -> None:
        self._part.unlink(missing_ok=True)
        self._mark.unlink(missing_ok=True)
