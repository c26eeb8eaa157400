"""Settings: where they come from, and what is refused."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from crispen.errors import UsageError
from crispen.server.settings import ELSEWHERE, Settings, misspelt, read_settings

ROOT = Path(__file__).parents[2]


def test_settings_come_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "crispen.toml"
    file.write_text('port = 1\nworkers = 2\nmax_frames = 3\nallowed_hosts = ["a.example"]\n')
    monkeypatch.setenv("CRISPEN_WORKERS", "4")
    monkeypatch.setenv("CRISPEN_CORS_ORIGINS", "https://a.example, https://b.example")
    said = read_settings(file, port=9, host=None)
    assert (said.port, said.workers, said.max_frames) == (9, 4, 3)
    assert said.host == "127.0.0.1"
    assert said.allowed_hosts == ("a.example",)
    assert said.cors_origins == ("https://a.example", "https://b.example")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("prot = 1", "prot"),
        ("port = -1", "port"),
        ("port = ", "cannot be read"),
        ('token = "short"', "16 characters"),
        ('tokens = {laptop = "short"}', "16 characters"),
        ('tokens = {"a b" = "long enough a token"}', "cannot name a token"),
        ('cors_origins = ["example.org"]', "https://example.org"),
    ],
)
def test_settings_that_do_not_fit(tmp_path: Path, content: str, said: str) -> None:
    file = tmp_path / "crispen.toml"
    file.write_text(content)
    with pytest.raises(UsageError, match=said):
        read_settings(file)


def test_a_settings_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such settings file"):
        read_settings(tmp_path / "no.toml")


def test_every_setting_is_documented() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "server_settings.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.returncode, done.stderr
    page = (ROOT / "docs" / "server.md").read_text(encoding="utf-8")
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert f"| `{name}` | {field.description} |" in page, f"{name} is not in docs/server.md"
        if name.startswith(("max_", "min_")) and field.annotation in (int, float):
            # The unit is in the name, or what is counted is.
            assert name.rpartition("_")[2] in {
                "bytes",
                "pixels",
                "frames",
                "s",
                "client",
                "address",
                "waiting",
            }, name


@pytest.mark.parametrize(
    ("host", "local"),
    [("127.0.0.1", True), ("localhost", True), ("::1", True), ("0.0.0.0", False), ("x", False)],
)
def test_who_can_reach_it(host: str, local: bool) -> None:
    chosen = Settings(host=host)
    assert (chosen.local, chosen.separate) == (local, not local)


def test_misspelt_settings_are_told(tmp_path: Path) -> None:
    assert misspelt(["CRISPEN_MAX_UPLOAD_BYTE", "HOME", "CRISPEN_HOST"]) == [
        "CRISPEN_MAX_UPLOAD_BYTE is no setting; did you mean CRISPEN_MAX_UPLOAD_BYTES?"
    ]
    done = subprocess.run(
        [sys.executable, "-m", "crispen", "serve", "--port", "1", "--folder", str(tmp_path)],
        env=os.environ | {"CRISPEN_TOKKEN": "x", "CRISPEN_HOST": "no.such.host.invalid"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "CRISPEN_TOKKEN is no setting; did you mean CRISPEN_TOKEN" in done.stderr


def test_every_name_that_the_program_reads_is_known() -> None:
    known = {f"CRISPEN_{name.upper()}" for name in Settings.model_fields} | ELSEWHERE
    read = re.compile(r"""["'](CRISPEN_[A-Z]+(?:_[A-Z]+)*)["']|env\.(CRISPEN_[A-Z_]+)""")
    files = [*(ROOT / "src").rglob("*.py"), *(ROOT / "web").glob("*.ts")]
    for file in files:
        if file.name == "settings.py":  # an example of a misspelt one
            continue
        for first, second in read.findall(file.read_text(encoding="utf-8")):
            assert (first or second) in known, file
