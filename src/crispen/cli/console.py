"""What all commands share: results on stdout, progress and errors on stderr, exit codes.

With ``--json`` both streams carry JSON, one object a line on stderr (``{"progress": …}``,
``{"error": …}``).
"""

from __future__ import annotations

import json
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from crispen.errors import CrispenError
from crispen.media.formats import PICTURES
from crispen.progress import Event, Listener, Progress

if TYPE_CHECKING:
    from rich.table import Table

JSON_FLAG = "--json"
_GRADED = ", ".join(f.title for f in PICTURES.values() if f.quality)
Json = Annotated[
    bool, typer.Option(JSON_FLAG, help="Print JSON, for programs; progress too, line by line.")
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace a result that exists.")]
Recursive = Annotated[
    bool, typer.Option("--recursive", "-r", help="Include the subfolders of the given folders.")
]
Quality = Annotated[
    int | None,
    typer.Option(
        "--quality",
        min=1,
        max=100,
        help=f"Of {_GRADED}; more is better and larger.",
        show_default=False,
    ),
]
Threads = Annotated[
    int | None, typer.Option("--threads", min=1, help="Maximum number of CPU threads.")
]
TrainingDevice = Annotated[
    str, typer.Option("--device", help="Device: auto, cpu, cuda, cuda:1, mps.")
]
TrainingData = Annotated[
    str | None,
    typer.Option(
        "--data",
        help="Folder of HR pictures, a clip whose frames are taken, or another set; the same "
        "as --set data.path=DIR.",
    ),
]
WorkerThreads = Annotated[
    int | None,
    typer.Option(
        "--threads",
        min=1,
        help="CPU threads of each worker.",
        show_default="all cores, shared",
    ),
]
MaxPixels = Annotated[
    int | None,
    typer.Option(
        "--max-pixels",
        min=1,
        help="Refuse pictures of more pixels, all frames together: small files can claim to be "
        "huge.",
        show_default="300000000",
    ),
]

_INTERRUPTED = 130
# Signals that ask a program to end, all with the same clean-up; Windows has no SIGHUP.
_STOPS = [signal.Signals[name] for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
_QUIET_S = 0.1
_PLAIN_EVERY_S = 10.0


def print_json(value: Any) -> None:
    """Prints a result for programs on stdout."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


def print_table(table: Table) -> None:
    """Prints a table for people on stdout; never cut off when written to a file."""
    from rich.console import Console

    console = Console()
    if not console.is_terminal:
        console = Console(width=200)
    console.print(table)


def print_error(text: str, *, as_json: bool) -> None:
    """One line on stderr."""
    line = " ".join(text.split())
    typer.echo(json.dumps({"error": line}) if as_json else f"crispen: {line}", err=True)


def run_safely(call: Callable[[], Any], *, debug: bool, as_json: bool) -> int:
    """Calls, and turns whatever is raised into one line and an exit code.

    Args:
        call: A whole command; an integer it returns is its exit code.
        debug: Show tracebacks as well.
        as_json: Report errors as JSON.
    """
    try:
        code = call()
    except CrispenError as error:
        _trace(debug)
        print_error(str(error), as_json=as_json)
        return error.exit_code
    except typer.TyperException as error:
        _trace(debug)
        return _usage(error, as_json=as_json)
    except (KeyboardInterrupt, typer.Abort):
        print_error("stopped", as_json=as_json)
        return _INTERRUPTED
    except BrokenPipeError:
        # The reader closed the pipe; the interpreter must not try to flush to it again.
        sys.stdout = None
        return 1
    except MemoryError:
        _trace(debug)
        print_error("out of memory; give --memory 500M or close other programs", as_json=as_json)
        return 1
    except Exception as error:
        _trace(debug)
        text = str(error) or "no further text"
        hint = "" if debug else "; run again with --debug and report what it shows"
        print_error(f"unexpected {type(error).__name__}: {text}{hint}", as_json=as_json)
        return 1
    return code if isinstance(code, int) else 0


def _trace(debug: bool) -> None:
    if debug:
        traceback.print_exc()


def _usage(error: typer.TyperException, *, as_json: bool) -> int:
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "crispen"
    message = error.format_message()
    if type(error).__name__ == "NoArgsIsHelpError":
        # Its message is the help page, which a command without arguments prints.
        typer.echo(message, err=True)
    else:
        print_error(f"{message.rstrip('.')}; see '{path} --help'", as_json=as_json)
    return error.exit_code


@contextmanager
def progress(as_json: bool = False) -> Iterator[Progress]:
    """Shows progress on stderr: bars in a terminal, plain lines elsewhere, JSON if asked.

    Ctrl-C and SIGTERM cancel the work, which then cleans up; a second one ends it at once.
    """
    with _listener(as_json) as listener:
        work = Progress(listener)
        with _cancelled_by_signals(work):
            yield work


@contextmanager
def _cancelled_by_signals(work: Progress) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may set signal handlers
        return

    def stop(number: int, frame: FrameType | None) -> None:
        if work.cancelled:
            raise KeyboardInterrupt
        work.cancel()

    with _handled(stop):
        yield


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Any signal that asks the program to end does in the block what Ctrl-C does."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is threading.main_thread():
        with _handled(stop):
            yield
    else:
        yield


@contextmanager
def _handled(stop: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    # What nohup ignores stays ignored.
    heard = [n for n in _STOPS if n == signal.SIGINT or signal.getsignal(n) != signal.SIG_IGN]
    before = {number: signal.signal(number, stop) for number in heard}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _listener(as_json: bool) -> Iterator[Listener]:
    if as_json:
        yield _Lines(_as_json, every_s=_QUIET_S, ends=True)
    elif sys.stderr.isatty():
        with _bars() as bars:
            yield bars
    else:
        yield _Lines(_as_text, every_s=_PLAIN_EVERY_S, ends=False)


class _Lines:
    """Events as lines on stderr, not too many of them."""

    def __init__(self, write: Callable[[Event], str], *, every_s: float, ends: bool) -> None:
        self._write = write
        self._every_s = every_s
        self._ends = ends
        self._last = time.monotonic()
        self._lock = threading.Lock()

    def __call__(self, event: Event) -> None:
        with self._lock:
            now = time.monotonic()
            if now - self._last < self._every_s and not (event.finished and self._ends):
                return
            self._last = now
            typer.echo(self._write(event), err=True)


def _as_json(event: Event) -> str:
    facts = asdict(event) | {"rate": event.rate, "left_s": event.left_s}
    return json.dumps({"progress": facts})


def _as_text(event: Event) -> str:
    total = f" of {event.total:,.0f}" if event.total is not None else ""
    left = f", {clock(event.left_s)} left" if event.left_s is not None else ""
    rate = f"{quantity(event.rate)} {event.unit}/s"
    return f"{event.what}: {event.done:,.0f}{total} {event.unit}, {rate}{left}"


def clock(seconds: float) -> str:
    """Hours, minutes and seconds.

    >>> clock(3725)
    '1:02:05'
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"


def quantity(value: float) -> str:
    """A number with three digits and a decimal prefix.

    >>> quantity(12_345_678), quantity(23.96), quantity(1234)
    ('12.3 M', '24.0', '1,234')
    """
    for limit, prefix in ((1e9, " G"), (1e6, " M"), (1e4, " k")):
        if value >= limit:
            base = {" G": 1e9, " M": 1e6, " k": 1e3}[prefix]
            return f"{value / base:.3g}{prefix}"
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


@contextmanager
def _bars() -> Iterator[Listener]:
    from rich.console import Console
    from rich.progress import BarColumn, TaskID, TextColumn
    from rich.progress import Progress as Bars

    bars = Bars(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("{task.fields[rate]}"),
        TextColumn("{task.fields[left]}"),
        console=Console(stderr=True),
        transient=True,
    )
    tasks: dict[str, TaskID] = {}
    lock = threading.Lock()

    def listen(event: Event) -> None:
        rate = f"{quantity(event.rate)} {event.unit}/s" if event.done else ""
        left = f"{clock(event.left_s)} left" if event.left_s is not None else ""
        with lock:
            task = tasks.get(event.what)
            if task is None:
                task = tasks[event.what] = bars.add_task(event.what, rate="", left="")
            if event.finished:
                bars.remove_task(tasks.pop(event.what))
            else:
                bars.update(task, completed=event.done, total=event.total, rate=rate, left=left)

    with bars:
        yield listen
