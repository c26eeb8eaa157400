"""Where model files are: shipped with the package, in the user's folder, at a path or URL.

The user's folder is ``$CRISPEN_MODELS``, or else the platform's folder for a user's data
(``~/.local/share/crispen/models`` on Linux). A model there never replaces a shipped one: those
names are reserved.
"""

from __future__ import annotations

import os
import tempfile
import urllib.parse
import urllib.request
from pathlib import Path
from typing import NamedTuple

from crispen.downloads import DownloadError, download
from crispen.errors import ModelError, UnknownModel, nearest_names
from crispen.models.card import CARD_KEY, ModelCard, read_card
from crispen.progress import Progress
from crispen.user_folders import data_folder

SHIPPED = Path(__file__).parent / "shipped"
SUFFIX = ".onnx"
MAX_MODEL_BYTES = 512 << 20


def user_folder() -> Path:
    """Where models are added; it may not exist yet."""
    chosen = os.environ.get("CRISPEN_MODELS")
    if chosen:
        return Path(chosen).expanduser()

    return data_folder("models")


def _names(folder: Path) -> list[str]:
    try:
        return sorted(p.stem for p in folder.iterdir() if p.suffix == SUFFIX and p.is_file())
    except OSError:
        return []


def shipped_names() -> list[str]:
    """Names of the models in the package."""
    return _names(SHIPPED)


def find(name_or_path: str | Path) -> tuple[Path, ModelCard]:
    """The file and card of a model.

    Args:
        name_or_path: A name that ships or was added, or the path of an ONNX file.

    Raises:
        UnknownModel: No such model; the message lists the nearest names.
        ModelError: A broken file.
    """
    text = str(name_or_path)
    if not isinstance(name_or_path, Path) and Path(text).name == text:
        for folder in (SHIPPED, user_folder()):
            path = folder / f"{text}{SUFFIX}"
            if path.is_file():
                return path, read_card(path)
    path = Path(text).expanduser()
    if path.is_dir():
        raise UnknownModel(f"{path}: is a folder; give a model's name or its {SUFFIX} file")
    if path.is_file():
        return path, read_card(path)
    if path.suffix == SUFFIX or path.name != text:
        raise UnknownModel(f"{path}: no such model file; 'crispen models' lists those available")
    known = [*shipped_names(), *_names(user_folder())]
    members = [name for name in known if name.startswith(f"{text}-x")]
    if members:
        raise UnknownModel(f"'{text}' is a family of models; name one: {', '.join(members)}")
    raise UnknownModel(
        f"no model is called '{text}'{nearest_names(text, known)} ('crispen models' lists all)"
    )


class Known(NamedTuple):
    """A model file and its card."""

    path: Path
    card: ModelCard


def list_cards() -> list[Known]:
    """All available models, shipped ones first; broken files in the user's folder are left out."""
    found = [Known(path, read_card(path)) for path in _files(SHIPPED)]
    for path in _files(user_folder()):
        try:
            found.append(Known(path, read_card(path)))
        except ModelError:
            continue  # `find` reports what is wrong with it
    return found


def _files(folder: Path) -> list[Path]:
    return [folder / f"{name}{SUFFIX}" for name in _names(folder)]


def read_model(path: Path) -> bytes:
    """The content of a model file.

    Raises:
        ModelError: It cannot be read, or is too large to be a model.
    """
    try:
        if path.stat().st_size > MAX_MODEL_BYTES:
            raise ModelError(f"{path}: larger than {MAX_MODEL_BYTES >> 20} MiB; not a model")
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror}); check the path") from error


def fetch_model(url: str, progress: Progress) -> bytes:
    """The content of a model file at an http, https or file URL.

    Raises:
        ModelError: It cannot be fetched, is truncated or is too large to be a model.
    """
    parts = urllib.parse.urlsplit(url)
    try:
        if parts.scheme == "file":
            return read_model(Path(urllib.request.url2pathname(parts.path)))
        with tempfile.TemporaryDirectory(prefix="crispen-") as folder:
            fetched = Path(folder) / f"model{SUFFIX}"
            download(url, fetched, progress=progress, max_bytes=MAX_MODEL_BYTES)
            return fetched.read_bytes()
    except DownloadError as error:
        reason = str(error).removesuffix(", what came is kept")
        raise ModelError(f"{url}: cannot be fetched ({reason}); check the URL") from error
    except ModelError as error:
        raise ModelError(f"{url}: cannot be fetched ({error})") from error


def _varint(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def with_card(model: bytes, card: ModelCard) -> bytes:
    """An ONNX file's bytes with a card, which replaces an existing one.

    ``metadata_props`` is a repeated field, so that appending one needs no protobuf library;
    `read_card` takes the last.
    """
    text = card.model_dump_json(exclude_defaults=True).encode()
    return model + _field(14, _field(1, CARD_KEY.encode()) + _field(2, text))
