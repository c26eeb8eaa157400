"""The command ``crispen``: finds the command asked for, and reports each error as one line.

Commands are imported when they are run or listed, and import what is heavy when they are called, so
that ``crispen --help`` answers at once.
"""

from __future__ import annotations

import io
import logging
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from crispen.cli._request import with_values
from crispen.cli.console import JSON_FLAG, run_safely, stopped_by_signals
from crispen.errors import Cancelled

# Each is `crispen.cli.NAME`, and holds a Typer app called `app` or a function called NAME.
COMMANDS = (
    "enhance",
    "play",
    "look",
    "compare",
    "models",
    "evaluate",
    "degrade",
    "data",
    "train",
    "search",
    "runs",
    "study",
    "report",
    "export",
    "serve",
    "worker",
    "doctor",
)
DEBUG_FLAG = "--debug"


def load_command(name: str, *, brief: bool = False) -> Any:
    """The command object of one of `COMMANDS`.

    Args:
        name: Of the command.
        brief: Only its help is needed, without its options, which take time to make.
    """
    module = import_module(f"crispen.cli.{name}")
    app = getattr(module, "app", None)
    if app is None:
        app = typer.Typer(add_completion=False)
        command = getattr(module, name)
        app.command(name)(_documented(command.__doc__) if brief else command)
    command = typer.main.get_command(app)
    command.name = name
    return command


def _documented(text: str | None) -> Callable[[], None]:
    def command() -> None: ...

    command.__doc__ = text
    return command


class LazyGroup(TyperGroup):
    """A group whose commands are imported when they are needed."""

    def __init__(self, **attrs: Any) -> None:
        super().__init__(**attrs)
        self.commands: dict[str, Any] = dict.fromkeys(COMMANDS)
        self._listing = False

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of that name, or None."""
        if cmd_name not in self.commands:
            return None
        if self._listing:
            return load_command(cmd_name, brief=True)
        if self.commands[cmd_name] is None:
            self.commands[cmd_name] = load_command(cmd_name)
        return self.commands[cmd_name]

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Writes the help page, which lists every command with its first line."""
        self._listing = True
        try:
            super().format_help(ctx, formatter)
        finally:
            self._listing = False

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command asked for; for a file's name alone, an error names the command for files."""
        if args and args[0] not in self.commands and os.path.exists(args[0]):
            ctx.fail(f"'{args[0]}' is a file, not a command; type 'crispen enhance {args[0]}'")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Runs the command; Typer would exit silently on Ctrl-C."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:
            raise Cancelled() from error


def _print_version(wanted: bool) -> None:
    if wanted:
        from crispen import __version__

        typer.echo(f"crispen {__version__}")
        raise typer.Exit()


def _describe(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version and exit.", callback=_print_version, is_eager=True
        ),
    ] = False,
    debug: Annotated[
        bool,
        typer.Option(
            DEBUG_FLAG, help="Show the traceback of an error. Can also follow the command."
        ),
    ] = False,
) -> None:
    """Makes low-quality pictures and videos look good again.

    Results go to standard output, progress and errors to standard error. Exit codes: 0 done, 1 some
    inputs failed (the rest are done), 2 wrong usage, 130 interrupted.
    """


def build() -> Any:
    """The whole command as an object."""
    app = typer.Typer(
        cls=LazyGroup,
        add_completion=True,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_describe)
    command = typer.main.get_command(app)
    command.name = "crispen"
    return command


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command line and exits with its code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    # A file may be called --debug: what follows a lone -- is never a flag.
    flags = given[: given.index("--")] if "--" in given else given
    debug, as_json = DEBUG_FLAG in flags, JSON_FLAG in flags
    kept = with_values([a for a in flags if a != DEBUG_FLAG]) + given[len(flags) :]
    if debug:
        # A batch logs the traceback of a file that fails, and continues.
        logging.basicConfig(format="%(message)s")
        logging.getLogger("crispen").setLevel(logging.DEBUG)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A file's name may contain characters the terminal cannot encode: it shows as \\udce9.
            stream.reconfigure(errors="backslashreplace")
    command = build()

    def call() -> object:
        with stopped_by_signals():
            return command.main(kept, prog_name="crispen", standalone_mode=False)

    sys.exit(run_safely(call, debug=debug, as_json=as_json))
