"""Batches with inputs or results in stores; the processing is the same as for local files.

While a file is processed, the next ones are fetched and finished results are uploaded. Files are
processed while their folder is still being listed, so that memory does not grow with its size.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from crispen.enhance import batch as batches
from crispen.enhance.file_work import Batch, attempt
from crispen.enhance.naming import check_name, fitting, suffix_for, tail_beside
from crispen.enhance.outcome import Options, Outcome
from crispen.enhance.prefetch import Prefetch
from crispen.enhance.record import identity
from crispen.enhance.results import STDIO, Job
from crispen.enhance.stored.delivery import Delivery, Place, Ready
from crispen.enhance.stored.pieces import Piece, is_many, pieces
from crispen.enhance.stored.record import StoredRecord
from crispen.enhance.stored.workspace import Workspace
from crispen.errors import Cancelled, CrispenError, UsageError
from crispen.media import signatures
from crispen.media.file_names import local_name, portable
from crispen.media.format_choice import is_video_name
from crispen.media.image import is_image_name
from crispen.progress import Progress
from crispen.stores.address import is_address, parse
from crispen.stores.folder import FolderStore
from crispen.stores.opening import Stores
from crispen.stores.store import Store, check_place

_AHEAD = 2


def enhance_stored(
    inputs: Sequence[str],
    output: str | None = None,
    options: Options | None = None,
    progress: Progress | None = None,
    report: Callable[[Outcome], None] | None = None,
) -> None:
    """Enhance files, folders and patterns, local or in stores.

    Args:
        inputs: Paths and addresses.
        output: Path or address of a file for one input, otherwise of a folder. None writes
            ``NAME.x2.EXT`` next to each source.
        options: Options of the whole batch.
        progress: Receives progress events; can cancel.
        report: Called with the outcome of each file.

    Raises:
        UsageError: An argument is not valid; nothing was done.
        MissingExtra: A package that a store needs is not installed; nothing was done.
        Cancelled: The batch was cancelled; finished files are complete.
    """
    if STDIO in (output, *inputs):
        raise UsageError("'-' (standard input or output) cannot go with addresses; name a file")
    progress = progress or Progress()

    def work(_: object, batch: Batch) -> Generator[Outcome]:
        with Stores(progress) as stores, Workspace() as space:
            yield from _Run(inputs, output, batch, stores, space).outcomes()

    batches.enhance_all([], None, options, progress, report, work, lambda _: iter(()))


@dataclass(frozen=True, slots=True)
class _Item:
    """A file to process: its result's destination, and the local paths of both."""

    piece: Piece
    place: Place
    name: str
    video: bool
    named: bool
    source: Path
    result: Path
    identity: dict[str, Any]
    workplace: Path

    @property
    def shown(self) -> str:
        return f"{self.place.store.shown}{self.name}"


class _Run:
    """One run over all inputs."""

    def __init__(
        self,
        inputs: Sequence[str],
        output: str | None,
        batch: Batch,
        stores: Stores,
        space: Workspace,
    ) -> None:
        self._inputs = inputs
        self._output = output
        self._batch = batch
        self._stores = stores
        self._space = space
        self._progress = batch.progress
        self._many = len(inputs) > 1 or any(map(is_many, inputs))
        self._typed = {_real(text) for text in inputs}
        self._places: dict[str, Place] = {}
        self._closing = ExitStack()
        self._named = ""
        if output is not None:
            self._folder = self._target(output)

    def outcomes(self) -> Iterator[Outcome]:
        """The outcome of each file."""
        delivery = Delivery(self._progress, overwrite=self._batch.options.overwrite)
        with self._closing, delivery:
            if self._output is not None:
                self._place(self._folder)  # reports its errors before any work
            yield from self._worked_off(delivery)

    def _worked_off(self, delivery: Delivery) -> Iterator[Outcome]:
        with Prefetch(self._items(), ahead=_AHEAD, check=self._progress.check) as ahead:
            for item in ahead:
                if isinstance(item, Outcome):
                    yield item
                else:
                    outcome = self._made(item)
                    if outcome.status == "done":
                        yield from delivery.add(self._ready(item, outcome))
                    else:
                        self._space.drop(item.workplace)
                        yield outcome
                yield from delivery.told()
            yield from delivery.finish()

    def _target(self, output: str) -> Store:
        """The store of the results; sets `_named` to the file's name if `output` is a file."""
        known = is_image_name(output) or is_video_name(output)
        is_file = not self._many and known and not output.endswith(("/", os.sep))
        if not is_address(output):
            path = Path(output)
            if is_file and not path.is_dir():
                self._named = path.name
                return FolderStore(path.parent)
            return FolderStore(path)
        address = parse(output)
        if is_file:
            self._named = address.name
            address = replace(address, name="", query="")
        store = self._stores.of(address.as_folder())
        if not store.writable:
            raise UsageError(f"-o {address.shown}: is read-only; choose another -o")
        return store

    def _place(self, store: Store) -> Place:
        if store.shown not in self._places:
            file = self._space.place() / "record.sqlite"
            record = StoredRecord(store, file, listed=self._many, progress=self._progress)
            self._closing.callback(record.close)
            record.load()
            self._places[store.shown] = Place(store, record)
        return self._places[store.shown]

    def _items(self) -> Iterator[_Item | Outcome]:
        for text in self._inputs:
            found = pieces(
                text,
                self._stores,
                recursive=self._batch.options.recursive,
                progress=self._progress,
            )
            shown = parse(text).shown if is_address(text) else text
            try:
                for piece in found:
                    self._progress.check()
                    store = piece.store if self._output is None else self._folder
                    if not store.writable:
                        text = "its folder is read-only, so its result needs another one; give -o"
                        raise UsageError(f"{piece.of}: {text}")
                    item = self._item(piece, self._place(store))
                    if item is not None:
                        yield item
            except Cancelled:
                raise
            except CrispenError as error:
                yield Outcome.failure(shown, "", str(error), error.exit_code)

    def _item(self, piece: Piece, place: Place) -> _Item | Outcome | None:
        """What to do for a file; None for results of earlier runs."""
        if not (piece.known or piece.typed):
            kind = PurePosixPath(piece.entry.name).suffix[1:].upper() or "other"
            return Outcome(piece.of, "", "unread", error="not read", kind=kind)
        try:
            if self._output is None and not piece.typed and _is_result(piece, place):
                return None
            return self._begun(piece, place)
        except Cancelled:
            raise
        except CrispenError as error:
            return Outcome.failure(piece.of, "", str(error), error.exit_code)

    def _begun(self, piece: Piece, place: Place) -> _Item | Outcome:
        """The file to process, with its source fetched; the outcome if it is skipped or refused."""
        batch, options = self._batch, self._batch.options
        video = self._is_video(piece)
        if video not in batch.records:
            raise UsageError("videos cannot be processed with these options; name pictures only")
        settings = batch.records[video].settings
        local = piece.store.local(piece.entry)
        about = (
            {"bytes": piece.entry.size, "version": piece.entry.version}
            if local is None
            else identity(local)
        )
        name = self._name(piece, place, video)
        size = place.record.size(name)
        self._check_inputs(piece, place, name, size is not None)
        if size is not None:
            shown, why = f"{place.store.shown}{name}", ""
            if not self._named and options.resumes:
                difference = place.record.difference(name, size, about, piece.of, settings)
                if not difference:
                    return Outcome(piece.of, shown, "skipped")
                why = f", {difference}"
            if not options.overwrite:
                text = "add --overwrite to make it again, or choose another -o"
                return Outcome.failure(piece.of, shown, f"{shown}: exists already{why}; {text}")
        if video:
            workplace = self._space.lasting(
                of=piece.of, source=about, settings=settings, to=f"{place.store.shown}{name}"
            )
        else:
            workplace = self._space.place()
        source = local or _place_in(workplace / "source", piece.entry.name)
        if not source.exists():
            piece.store.fetch(piece.entry, source, self._progress)
        result = _place_in(workplace / "result", name)
        return _Item(piece, place, name, video, bool(self._named), source, result, about, workplace)

    def _check_inputs(self, piece: Piece, place: Place, name: str, exists: bool) -> None:
        """Checks that the result does not replace an input.

        Raises:
            UsageError: The result would replace an input.
        """
        if self._named and not piece.typed:
            raise UsageError(
                f"-o {self._output}: one file cannot take the results of a folder; name a folder, "
                "or end the name with / if it is one"
            )
        shown, folder = f"{place.store.shown}{name}", piece.store.shown
        # Every file of a folder is an input unless the record lists it as a result.
        among = (
            not piece.typed
            and exists
            and shown.startswith(folder)
            and (self._batch.options.recursive or "/" not in shown[len(folder) :])
            and place.record.note(name) is None
        )
        if among or _real(shown) in self._typed:
            raise UsageError(
                f"the result {shown} would replace an input; choose another -o, inputs are never "
                "overwritten"
            )

    def _name(self, piece: Piece, place: Place, video: bool) -> str:
        """The name of the result; a number is added if the name is taken."""
        request = self._batch.requests[video]
        if self._named:
            check_name(Path(self._named), request.format, video=video)
            return self._named
        inside = piece.entry.name
        check_place(inside)
        source = PurePosixPath(inside)
        if self._output is None:
            label = self._batch.enhancer.label(self._batch.target)
            tail = tail_beside(Path(source), label, video=video, format=request.format)
        else:
            tail = suffix_for(Path(source), video=video, format=request.format)
        stems = itertools.chain(
            [source.stem, source.name] if tail != source.suffix else [source.stem],
            (f"{source.stem}-{number}" for number in itertools.count(2)),
        )
        folder = Path(source.parent)
        names: Iterator[str] = (fitting(folder, stem, tail).as_posix() for stem in stems)
        if place.store.portable_names:
            names = map(portable, names)
        return next(name for name in names if place.record.take(name, piece.of))

    def _is_video(self, piece: Piece) -> bool:
        """Whether a file is a video: by its suffix, or by its first bytes if that is unknown."""
        if piece.known:
            return is_video_name(piece.entry.name)
        start = piece.store.start(piece.entry.name, signatures.HEAD_BYTES, self._progress)
        return signatures.is_video(start)

    def _made(self, item: _Item) -> Outcome:
        """Processes a file whose source was fetched, and returns the outcome."""
        job = Job(item.source, item.result, item.video, named=True)
        if item.video and item.result.exists():
            outcome = Outcome(
                "", "", "done", notes=("made by an earlier run, which could not upload it",)
            )
        else:
            outcome = attempt(job, lambda: self._batch.make(job))

        def said(text: str) -> str:
            text = text.replace(str(item.source), item.piece.of)
            return text.replace(str(item.result), item.shown)

        return replace(
            outcome,
            source=item.piece.of,
            target=item.shown,
            error=said(outcome.error),
            notes=tuple(map(said, outcome.notes)),
        )

    def _ready(self, item: _Item, outcome: Outcome) -> Ready:
        note = {
            "name": item.name,
            "of": item.piece.of,
            "result": {"bytes": item.result.stat().st_size},
            "source": item.identity,
            "settings": self._batch.records[item.video].settings,
        }
        return Ready(
            outcome,
            item.place,
            item.name,
            item.result,
            None if item.named else note,
            lambda: self._space.drop(item.workplace),
        )


def _place_in(folder: Path, name: str) -> Path:
    """A path with the same name in a folder, which is created."""
    path = PurePosixPath(name)
    check_place(path.name)
    folder.mkdir(exist_ok=True)
    return fitting(folder, local_name(path.stem), local_name(path.suffix))


def _real(text: str) -> str:
    """The canonical form of a path or an address."""
    return parse(text).shown if is_address(text) else os.path.realpath(text)


def _is_result(piece: Piece, place: Place) -> bool:
    """Whether the record lists a file as the result of another file."""
    note = place.record.note(piece.entry.name)
    return note is not None and note.get("of") != piece.of
