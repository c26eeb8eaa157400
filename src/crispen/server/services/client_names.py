"""Names that came from a client: shown as text and sent in headers, never part of a path."""

from __future__ import annotations

import re
import unicodedata

_MAX = 150
_MAX_DEPTH = 20


def clean_name(text: str | None, *, otherwise: str = "file") -> str:
    r"""A file name for people: the last part of a path, without characters that could mislead.

    Control characters and marks that turn the direction of writing are left out. HTML stays what
    it is, since it is only ever shown as text.

    >>> clean_name("../../etc/passwd"), clean_name("C:\\a\\b.png"), clean_name("..")
    ('passwd', 'b.png', 'file')
    """
    text = unicodedata.normalize("NFC", text or "")
    text = re.split(r"[/\\]", text)[-1]
    # Cc control, Cf invisible formats, Cs lone surrogates, Co private, Zl and Zp line ends.
    text = "".join(c for c in text if unicodedata.category(c) not in _LEFT_OUT)
    text = " ".join(text.split()).strip(" .")
    if not text:
        return otherwise
    if len(text) <= _MAX:
        return text
    stem, dot, suffix = text.rpartition(".")
    if not dot or len(suffix) > 10:
        return text[:_MAX]
    return f"{stem[: _MAX - 1 - len(suffix)]}.{suffix}"


def clean_folder(text: str) -> str:
    r"""A relative folder inside an archive, which leads nowhere else.

    >>> clean_folder("holiday/2019"), clean_folder("/etc/../x\\y/."), clean_folder("../..")
    ('holiday/2019', 'etc/x/y', '')
    """
    parts = [clean_name(part, otherwise="") for part in re.split(r"[/\\:]", text)]
    return "/".join([part for part in parts if part][:_MAX_DEPTH])


_LEFT_OUT = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def model_name(text: str | None) -> str:
    """A name for a model out of a file's name.

    >>> model_name("My model (2).onnx")
    'My-model-2'
    """
    stem = clean_name(text, otherwise="model").removesuffix(".onnx")
    slug = re.sub(r"[^A-Za-z0-9._]+", "-", stem).strip("-._")
    return slug[:100] or "model"


def unique(names: list[str]) -> list[str]:
    """The names, numbered where two are the same.

    >>> unique(["a.png", "b.png", "a.png"])
    ['a.png', 'b.png', 'a (2).png']
    """
    seen: set[str] = set()
    out = []
    for name in names:
        stem, dot, suffix = name.rpartition(".")
        number, one = 1, name
        while one.casefold() in seen:
            number += 1
            one = f"{stem} ({number}).{suffix}" if dot else f"{name} ({number})"
        seen.add(one.casefold())
        out.append(one)
    return out
