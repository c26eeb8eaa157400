"""Adding a model to the user's own, after a check that it loads and answers."""

from __future__ import annotations

import hashlib
import re
import tempfile
import urllib.parse
from pathlib import Path
from typing import Any

from crispen.engines import published
from crispen.engines.trial import Stated, trial
from crispen.errors import CrispenError, ModelError, OutputError, UsageError
from crispen.media.atomic import open_beside, write_whole
from crispen.models import ncnn
from crispen.models.card import NAME, Color, ModelCard, Task
from crispen.models.published import SUFFIXES as PUBLISHED
from crispen.models.store import (
    SUFFIX,
    fetch_model,
    read_model,
    shipped_names,
    user_folder,
)
from crispen.progress import Progress


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

    A third-party ONNX file without a card is run to find its scale, its colour and the sides it
    accepts, and gets a card. An ncnn model is translated first, and so is a PyTorch file if
    ``spandrel`` knows its architecture.

    Args:
        path_or_url: An ONNX file or a PyTorch file (``.pth``, ``.pt``, ``.safetensors``), or a
            ``http``, ``https`` or ``file`` URL of one; or either file of an ncnn model,
            ``.param`` and ``.bin``.
        name: What to call it; the card's or the file's name unless given.
        task: Task of a file without a card; ``upscale`` if it enlarges, else ``restore``,
            unless given.
        scale: Expected scale factor; checked.
        color: ``luma`` or ``rgb``, for a network that accepts any number of channels.
        sha256: Expected hash of the content; required for a URL, whose content may change.
        overwrite: Replace a model of that name in the user's folder.
        progress: Receives progress events.

    Returns:
        The card, as stored.

    Raises:
        ModelError: It cannot be fetched, hashes to something else, or does not work.
        MissingInput: One of the two files of an ncnn model is missing.
        InputError: A PyTorch file is damaged, or contains more than weights.
        MissingExtra: Translating it needs a package.
        UsageError: The name is taken or is not a name, a URL comes without its hash, or the
            network does not match the arguments.
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
            f"{text}: a URL needs --sha256, which its publisher states; without one, fetch the "
            "file yourself and add it by its path"
        )
    path = Path(urllib.parse.unquote(parts.path)) if is_url else Path(text).expanduser()
    known: dict[str, Any] = {}
    translated = None
    if not is_url and path.suffix.lower() in ncnn.SUFFIXES:
        translated = ncnn.load(path)
    content = fetch_model(text, progress or Progress()) if is_url else read_model(path)
    if sha256 is not None:
        digest = hashlib.sha256(content).hexdigest()
        if digest != sha256.strip().lower():
            raise ModelError(
                f"{text}: SHA-256 is {digest}, not {sha256.strip().lower()}; the file changed or "
                "the checksum is of another file"
            )
    if translated is not None:
        content = translated.content
        known = {"halo": translated.halo, "architecture": translated.architecture}
    elif path.suffix.lower() in PUBLISHED:
        content, known = _converted(path, content if is_url else None, text)
    folder = user_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        part, file = open_beside(folder / "adding")
        try:
            with file:
                file.write(content)
            # Its lock would keep others on Windows from reading it.
            card = trial(part, text, path.stem, Stated(name, task, scale, color), known)
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


def models_in(folder: Path) -> list[Path]:
    """The model files in a folder, one for each ncnn model."""
    wanted = (SUFFIX, ncnn.SUFFIXES[0], *PUBLISHED)
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in wanted)


def _converted(path: Path, fetched: bytes | None, source: str) -> published.Converted:
    """A PyTorch file as ONNX; a download is saved to a file first."""
    if fetched is None:
        return published.convert(path)
    with tempfile.TemporaryDirectory(prefix="crispen-") as folder:
        file = Path(folder) / path.name
        write_whole(file, fetched)
        try:
            return published.convert(file)
        except CrispenError as error:
            raise type(error)(str(error).replace(str(file), source)) from error
