"""What a folder holds beside pictures and videos."""

import json
import os
import socket
from pathlib import Path

import pytest
from PIL import Image as PilImage

from crispen.cli.main import main
from crispen.enhance.folders import Tree, skipped_files
from crispen.errors import InputError
from crispen.media.format_choice import is_image_name


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    PilImage.new("RGB", (16, 12), (200, 9, 60)).save("a.png")
    return tmp_path


def listing(text):
    tree = Tree(Path(text), recursive=False, skip=None, wanted=is_image_name)
    return [*tree.found()], [*tree.strangers()]


def test_what_is_not_read_is_known_by_kind_and_reason(folder):
    (folder / "b.psd").write_bytes(b"8BPS\0\1")
    (folder / "c.xcf").write_bytes(b"gimp xcf file")
    (folder / "notes.txt").write_bytes(b"to do")
    (folder / "empty.thm").write_bytes(b"")
    (folder / ".hidden.psd").write_bytes(b"8BPS")
    (folder / "photo").write_bytes((folder / "a.png").read_bytes())
    (folder / "photo.png_large").write_bytes((folder / "a.png").read_bytes())
    os.mkfifo(folder / "pipe.png")
    kinds = {s.path.name: (s.kind, s.why) for s in listing(folder)[1]}
    assert kinds == {
        "b.psd": (
            "PSD",
            "not read; it looks like a Photoshop document; export it as TIFF or PNG first",
        ),
        "c.xcf": ("XCF", "not read; it looks like a GIMP document; export it as TIFF or PNG first"),
        "notes.txt": ("TXT", "not read; it looks like text"),
        "empty.thm": ("THM", "empty"),
        "photo": ("PNG without a suffix", "a PNG file; rename it to end in .png"),
        "photo.png_large": ("PNG without a suffix", "a PNG file; rename it to end in .png"),
        "pipe.png": ("named pipe", "a named pipe, not a file"),
    }


def test_what_an_extra_would_read_names_it(folder, monkeypatch):
    from crispen.media import format_choice

    monkeypatch.setattr(format_choice, "_is_there", lambda package: False)
    (folder / "b.NEF").write_bytes(b"MM\0*")
    _, (stranger,) = listing(folder)
    assert stranger.kind == "NEF"
    assert "pip install 'crispen[raw]'" in stranger.why


def test_sockets_and_devices_are_not_opened(folder):
    with socket.socket(socket.AF_UNIX) as made:
        made.bind("b.png")
        assert [s.kind for s in listing(".")[1]] == ["socket"]


def test_a_folder_of_nothing_else_says_of_what(folder):
    (folder / "a.png").rename("a.psd")
    with pytest.raises(InputError, match=r"no pictures or videos.*\(1 file skipped: 1 PNG named"):
        listing(folder)


def test_many_kinds_are_summed_up():
    assert skipped_files([]) == ""
    kinds = [kind for i, kind in enumerate("ABCDEFG") for _ in range(9 - i)]
    assert skipped_files(kinds) == "42 files skipped: 9 A, 8 B, 7 C, 6 D, 5 E, 7 of other kinds"


def test_the_command_tells_at_the_end(folder, capsys):
    for name, head in (("b.psd", b"8BPS"), ("c.psd", b"8BPS"), ("d.xcf", b"gimp xcf")):
        (folder / name).write_bytes(head)
    with pytest.raises(SystemExit) as ended:
        main(["enhance", ".", "--model", "espcn-x2"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.splitlines()[-1] == "3 files skipped: 2 PSD, 1 XCF"
    with pytest.raises(SystemExit):
        main(["enhance", ".", "--model", "espcn-x2", "--json"])
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["source"], line["status"], line["kind"]) for line in lines] == [
        ("a.png", "skipped", ""),
        ("b.psd", "unread", "PSD"),
        ("c.psd", "unread", "PSD"),
        ("d.xcf", "unread", "XCF"),
    ]
    assert "export it as TIFF" in lines[1]["error"]
