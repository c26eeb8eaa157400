"""Runs an installed Crispen as its container image would, without a container engine.

    python tools/check_container.py VENV

The environment, the working directory, the entry point and the health check are those of
``deploy/Dockerfile``. As there, an ordinary user runs it, and everything but the data folder and
``/tmp`` is read-only: namespaces of Linux do that. It needs root and says so where it is missing.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parents[1]
USER = "10001"
TOKEN = "a-token-of-this-check"


def image() -> dict[str, Any]:
    """Environment and commands of the image."""
    text = (ROOT / "deploy/Dockerfile").read_text().replace("\\\n", " ")

    def found(pattern: str) -> str:
        (line,) = re.findall(pattern, text, re.MULTILINE)
        return str(line)

    entry = json.loads(found(r"^ENTRYPOINT (\[.+\])$"))
    return {
        "environment": dict(part.split("=", 1) for part in found("^ENV (.+)$").split()),
        "health": json.loads(found(r"^HEALTHCHECK .*CMD (\[.+\])$")),
        "serve": entry + json.loads(found(r"^CMD (\[.+\])$")),
        "enhance": [*entry, "enhance"],
    }


def mount(*arguments: str | Path) -> None:
    """Mounts something, or changes a mount."""
    subprocess.run(["mount", *map(str, arguments)], check=True)


def contained(venv: Path, stage: Path) -> None:
    """Everything after the namespaces are there."""
    data, temporary = Path("/data"), stage / "tmp"
    mount("--make-rprivate", "/")
    for folder in (data, temporary):
        mount("-t", "tmpfs", "-o", "mode=1777", "tmpfs", folder)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    mount("-o", "remount,bind,ro", "/")
    os.chown(data, int(USER), int(USER))

    about = image()
    environment = {
        **about["environment"],
        "PATH": f"{venv / 'bin'}:/usr/bin:/bin",
        "TMPDIR": str(temporary),
        "CRISPEN_TOKEN": TOKEN,
    }
    # The interpreter may be in root's home: what is there can be read, and not written.
    may_read = "dac_read_search"
    user = ["setpriv", "--reuid", USER, "--regid", USER, "--clear-groups"]
    user += ["--inh-caps", f"-all,+{may_read}", "--ambient-caps", f"-all,+{may_read}"]
    options: dict[str, Any] = {"cwd": data, "env": environment}

    def run(command: list[str]) -> subprocess.CompletedProcess[str]:
        command = [*user, *command]
        return subprocess.run(command, **options, capture_output=True, text=True, check=False)

    assert run(["touch", str(venv / "a")]).returncode, "the image's files can be written"
    shutil.copy(ROOT / "docs/demo/photo.png", data / "photo.png")
    done = run([*about["enhance"], "photo.png"])
    assert done.returncode == 0, done.stderr
    assert (data / "photo.x2.png").stat().st_uid == int(USER)
    with subprocess.Popen([*user, *about["serve"]], **options) as server:
        try:
            end = time.monotonic() + 60
            while run(about["health"]).returncode:
                assert server.poll() is None, "the server has ended"
                assert time.monotonic() < end, "the health check fails"
                time.sleep(0.2)
            answer = enhanced((data / "photo.png").read_bytes())
            assert answer.startswith(b"\x89PNG"), answer[:80]
        finally:
            server.terminate()
        assert server.wait(30) == 0, f"the server ended with {server.returncode}"
    assert run(about["health"]).returncode, "the health check passes without a server"
    left = sorted(path.name for path in temporary.iterdir())
    assert not left, f"left in /tmp: {left}"
    print("container: an ordinary user enhances, serves and is well, with read-only files")


def enhanced(photo: bytes) -> bytes:
    """A picture's result, from the API."""
    answer = httpx.post(
        "http://127.0.0.1:8000/api/v1/enhance",
        files={"file": ("a.png", photo)},
        headers={"Authorization": f"Bearer {TOKEN}"},
        timeout=120,
        trust_env=False,
    )
    return answer.raise_for_status().content


def check_container(venv: Path) -> None:
    """Runs `venv`'s Crispen so.

    Raises:
        AssertionError: Something in it fails.
    """
    if sys.platform != "linux" or os.geteuid() != 0 or not shutil.which("ip"):
        print("container: not tried, since that needs root on Linux, and iproute2")
        return
    made = not Path("/data").exists()
    Path("/data").mkdir(exist_ok=True)
    try:
        with tempfile.TemporaryDirectory() as name:
            (Path(name) / "tmp").mkdir()
            inside = [sys.executable, __file__, str(venv), "--inside", name]
            done = subprocess.run(["unshare", "--mount", "--net", *inside], check=False)
            assert done.returncode == 0, "the container's check failed; see above"
    finally:
        if made:
            Path("/data").rmdir()


if __name__ == "__main__":
    if "--inside" in sys.argv:
        contained(Path(sys.argv[1]).resolve(), Path(sys.argv[3]))
    else:
        check_container(Path(sys.argv[1]))
