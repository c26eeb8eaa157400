"""Where model files lie: shipped with the package, in the user's folder, at a path or URL.

The user's folder is ``$CRISPEN_MODELS``, or else the platform's folder for a user's data
(``~/.local/share/crispen/models`` on Linux). A model there has precedence over none: names that
ship are taken.
"""

from __future__ import annotations

import hashlib
import os
import re
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import NamedTuple

from crispen.errors import ModelError, OutputError, UnknownModel, UsageError, nearest_names
from crispen.media.atomic import open_beside
from crispen.models.card import CARD_KEY, NAME, Color, ModelCard, Task, has_card, read_card
from crispen.progress import Progress

SHIPPED = Path(__file__).parent / "shipped"
SUFFIX = ".onnx"
MAX_MODEL_BYTES = 512 << 20
_CHUNK_BYTES = 1 << 18


def user_folder() -> Path:
    """Where `add` puts models; it may not exist yet."""
    chosen = os.environ.get("CRISPEN_MODELS")
    if chosen:
        return Path(chosen).expanduser()
    import platformdirs

    return Path(platformdirs.user_data_dir("crispen", appauthor=False)) / "models"


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
        UnknownModel: No such model; the nearest names are offered.
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
        raise UnknownModel(f"{path}: no such model file; 'crispen models' lists those at hand")
    known = [*shipped_names(), *_names(user_folder())]
    members = [name for name in known if name.startswith(f"{text}-x")]
    if members:
        raise UnknownModel(f"'{text}' is a family of models; name one: {', '.join(members)}")
    raise UnknownModel(
        f"no model is called '{text}'{nearest_names(text, known)} ('crispen models' lists all)"
    )


def list_cards() -> list[tuple[Path, ModelCard]]:
    """All models at hand, shipped ones first; broken files in the user's folder are left out."""
    found = [(path, read_card(path)) for path in _files(SHIPPED)]
    for path in _files(user_folder()):
        try:
            found.append((path, read_card(path)))
        except ModelError:
            continue  # `find` says what is wrong with it to whoever asks for it
    return found


def _files(folder: Path) -> list[Path]:
    return [folder / f"{name}{SUFFIX}" for name in _names(folder)]


def add(
    path_or_url: str | Path,
    *,
    name: str | None = None,
    task: Task | None = None,
    scale: int | None = None,
    color: Color | None = None,
    sha256: str | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> ModelCard:
    """Add a model to the user's own, after a check that it loads and answers.

    A foreign ONNX file without a card is tried out for its scale, its colour and the sides it
    takes, and gets a card.

    Args:
        path_or_url: An ONNX file, or a ``http``, ``https`` or ``file`` URL of one.
        name: What to call it; the card's or the file's name unless given.
        task: What a file without a card is for; ``upscale`` if it enlarges, else ``restore``,
            unless given.
        scale: How many times it should enlarge; checked.
        color: ``luma`` or ``rgb``, which a network that takes any number of channels cannot say.
        sha256: What the content must hash to; needed for a URL, behind which it may change.
        overwrite: Replace a model of that name in the user's folder.
        progress: Told how far the download is.

    Returns:
        The card, as stored.

    Raises:
        ModelError: It cannot be fetched, hashes to something else, or does not work.
        UsageError: The name is taken or is not a name, a URL comes without its hash, or the
            network does not do what was said.
        OutputError: The folder cannot be written.
    """
    if name is not None and not re.fullmatch(NAME, name):
        raise UsageError(
            f"--name '{name}' cannot be a model's name; use letters, digits, '.', '_' and '-', "
            "beginning with a letter or digit"
        )
    text = str(path_or_url)
    parts = urllib.parse.urlsplit(text)
    is_url = "://" in text and not isinstance(path_or_url, Path)
    if is_url and parts.scheme not in ("http", "https", "file"):
        raise UsageError(f"{text}: only http, https and file URLs can be added")
    if is_url and sha256 is None:
        raise UsageError(
            f"{text}: a URL needs --sha256, which its publisher tells; without one fetch the file "
            "yourself and add it by its path"
        )
    stem = Path(urllib.parse.unquote(parts.path) if is_url else text).stem
    content = _download(text, progress or Progress()) if is_url else _read(Path(text).expanduser())
    if sha256 is not None:
        digest = hashlib.sha256(content).hexdigest()
        if digest != sha256.strip().lower():
            raise ModelError(
                f"{text}: SHA-256 is {digest}, not {sha256.strip().lower()}; the file changed or "
                "the checksum is of another file"
            )
    folder = user_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        part, file = open_beside(folder / "adding")
        try:
            with file:
                file.write(content)
                file.flush()
                wishes = _Wishes(name, task, scale, color)
                card = _check(part, content, text, stem, wishes)
            target = folder / f"{card.name}{SUFFIX}"
            if card.name in shipped_names():
                raise UsageError(f"a shipped model is called '{card.name}'; choose --name")
            if target.exists() and not overwrite:
                raise UsageError(f"you have a model '{card.name}' already; choose another --name")
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        if isinstance(error, OutputError):
            raise
        raise OutputError(f"{folder}: cannot be written ({error.strerror})") from error
    return card


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_MODEL_BYTES:
            raise ModelError(f"{path}: larger than {MAX_MODEL_BYTES >> 20} MiB; not a model")
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror}); check the path") from error


def _download(url: str, progress: Progress) -> bytes:
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            promised = answer.headers.get("Content-Length")
            total = int(promised) if promised and promised.isdigit() else None
            content = bytearray()
            with progress.task(f"fetching {url}", total, "bytes") as task:
                while chunk := answer.read(_CHUNK_BYTES):
                    content += chunk
                    if len(content) > MAX_MODEL_BYTES:
                        raise ModelError(f"{url}: larger than {MAX_MODEL_BYTES >> 20} MiB")
                    task.advance(len(chunk))
    except urllib.error.HTTPError as error:
        # It holds the connection open.
        error.close()
        raise ModelError(f"{url}: the server answers {error.code} {error.reason}") from error
    except urllib.error.URLError as error:
        raise ModelError(f"{url}: cannot be fetched ({error.reason}); check the URL") from error
    except (OSError, ValueError) as error:
        raise ModelError(f"{url}: cannot be fetched ({error}); check the URL") from error
    if total is not None and len(content) != total:
        raise ModelError(f"{url}: cut off after {len(content)} of {total} bytes; try again")
    return bytes(content)


class _Wishes(NamedTuple):
    """What the person says about a model."""

    name: str | None
    task: Task | None
    scale: int | None
    color: Color | None


def _check(part: Path, content: bytes, source: str, stem: str, wishes: _Wishes) -> ModelCard:
    """The card, after one small window went through the network; `part` then holds that card."""
    from crispen.engines.openvino import OpenVinoEngine
    from crispen.engines.probe import probe

    try:
        try:
            card = read_card(part)
        except ModelError:
            if has_card(content):
                raise
            name = stem if wishes.name is None else wishes.name
            card = probe(
                content,
                name,
                file=source,
                task=wishes.task,
                scale=wishes.scale,
                color=wishes.color,
            )
        else:
            _agree(card, wishes)
            if wishes.name is not None:
                card = card.model_copy(update={"name": wishes.name})
        part.write_bytes(with_card(content, card))
        card = read_card(part)  # checks the name too
        engine = OpenVinoEngine(part, card)
        try:
            import numpy as np

            side = card.window_px or 16 * card.multiple
            engine.run(np.full((side, side, 3), 128, np.uint8))
        finally:
            engine.close()
    except ModelError as error:
        raise ModelError(str(error).replace(str(part), source)) from error
    return card


def _agree(card: ModelCard, wishes: _Wishes) -> None:
    for field in ("task", "scale", "color"):
        asked, says = getattr(wishes, field), getattr(card, field)
        if asked is not None and asked != says:
            raise UsageError(f"its card says {field} {says}, not {asked}; leave --{field} out")


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
    """An ONNX file's bytes with a card, which replaces one that is there.

    ``metadata_props`` is a repeated field, so that appending one needs no protobuf library;
    `read_card` takes the last.
    """
    text = card.model_dump_json(exclude_defaults=True).encode()
    return model + _field(14, _field(1, CARD_KEY.encode()) + _field(2, text))
