"""Progress on stderr, in every form, and Ctrl-C."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from crispen.cli import console
from crispen.media.image import Image, write_image
from crispen.progress import Event, Progress


def test_json_lines(capsys: pytest.CaptureFixture[str]) -> None:
    with console.progress(as_json=True) as work, work.task("enhancing", 10, "px") as task:
        task.advance(4)
    out, err = capsys.readouterr()
    assert out == ""
    last = json.loads(err.splitlines()[-1])["progress"]
    assert (last["what"], last["done"], last["total"], last["unit"]) == ("enhancing", 4, 10, "px")
    assert last["finished"]
    assert {"rate", "left_s", "elapsed_s"} <= last.keys()


def test_lines_are_not_too_many(capsys: pytest.CaptureFixture[str]) -> None:
    with console.progress(as_json=True) as work, work.task("counting", 5000, "steps") as task:
        for _ in range(5000):
            task.advance()
    assert 1 <= len(capsys.readouterr().err.splitlines()) < 500


def test_plain_lines_where_there_is_no_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console, "_PLAIN_EVERY_S", 0.0)
    with console.progress() as work:
        work.emit(Event("training", 200, 1000, "steps", 4.0))
        work.emit(Event("reading", 7, None, "files", 2.0))
    first, second = capsys.readouterr().err.splitlines()
    assert first == "training: 200 of 1,000 steps, 50.0 steps/s, 0:00:16 left"
    assert second == "reading: 7 files, 3.5 files/s"


# In processes of their own: the signals of this one belong to what runs the tests.
SIGNALLED = """
import os, signal
from crispen.cli import console
from crispen.errors import Cancelled

number = signal.Signals({number})
before = signal.signal(number, {before})
before = signal.getsignal(number)
with console.stopped_by_signals(), console.progress() as work:
    os.kill(os.getpid(), number)
    print(work.cancelled)
    try:
        work.check()
    except Cancelled:
        try:
            os.kill(os.getpid(), number)
        except KeyboardInterrupt:
            print("ended")
assert signal.getsignal(number) is before
"""


def signalled(number: signal.Signals, before: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", SIGNALLED.format(number=int(number), before=before)],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    return done.stdout.split()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_cancels_and_a_second_one_ends(number: signal.Signals) -> None:
    usual = "signal.default_int_handler" if number == signal.SIGINT else "signal.SIG_DFL"
    assert signalled(number, usual) == ["True", "ended"]


def test_what_nohup_set_aside_stays_so() -> None:
    assert signalled(signal.SIGHUP, "signal.SIG_IGN") == ["False"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_command_leaves_nothing_half_written(
    tmp_path: Path, number: signal.Signals
) -> None:
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (300, 300, 3), np.uint8)
    write_image(Image(coarse.repeat(4, 0).repeat(4, 1)), tmp_path / "a.png")
    command = [sys.executable, "-m", "crispen", "enhance", "a.png", "-o", "b.png"]
    process = subprocess.Popen(
        [*command, "--model", "residual-x4", "--threads", "1"],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    end = time.monotonic() + 60
    while not list(tmp_path.glob(".b.png.*.part")) and time.monotonic() < end:
        time.sleep(0.02)
    process.send_signal(number)
    _, told = process.communicate(timeout=20)
    assert process.returncode == 130
    assert told.strip().splitlines()[-1].startswith("crispen: stopped")
    assert [path.name for path in tmp_path.glob("*")] == ["a.png"]
    assert list(tmp_path.glob(".*.part")) == []


def test_other_threads_may_show_progress() -> None:
    seen: list[Progress] = []

    def work() -> None:
        with console.progress() as shown:
            seen.append(shown)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert len(seen) == 1


BARS = """
from crispen.cli.console import progress
with progress() as work:
    with work.task("enhancing photo.png", 4_000_000, "px") as task:
        task.advance(1_000_000)
        import time; time.sleep(0.3)
"""


def test_bars_in_a_terminal() -> None:
    ours, theirs = pty.openpty()
    done = subprocess.run(
        [sys.executable, "-c", BARS],
        stderr=theirs,
        stdout=subprocess.PIPE,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100"},
        check=True,
    )
    os.close(theirs)
    shown = os.read(ours, 1 << 20).decode()
    os.close(ours)
    assert done.stdout == b""
    assert "enhancing photo.png" in shown
    assert "25 %" in shown
    assert "px/s" in shown
    assert "left" in shown


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0.0"), (99.94, "99.9"), (9999, "9,999"), (25_300_000_000, "25.3 G")]
)
def test_quantities(value: float, text: str) -> None:
    assert console.quantity(value) == text
