"""Options of pictures alone, or of videos alone, that were given for files of the other kind."""

from __future__ import annotations

from collections.abc import Collection

from crispen.enhance.options import options
from crispen.enhance.request import Kind, Request
from crispen.errors import UsageError


def check_kinds(request: Request, kinds: Collection[Kind], *, animated: bool = False) -> None:
    """Refuse options that concern none of the files, rather than to ignore them.

    Args:
        request: What is wanted.
        kinds: Of all the files that it is wanted for.
        animated: A video among them becomes an animated picture, which has a picture's quality.

    Raises:
        UsageError: Such as ``--crf`` where all files are pictures.
    """
    for option in options():
        given = getattr(request, option.name)
        # Videos are only ever enlarged "as is".
        if given in (None, False) or option.name == "as_is" or {*option.kinds} & {*kinds}:
            continue
        this, that = ("videos", "a picture") if "video" in option.kinds else ("pictures", "a video")
        hint = "; for videos there is --task denoise" if option.name == "denoise" else ""
        raise UsageError(
            f"--{option.word} is for {this}, and the input is {that}; leave it out{hint}"
        )
    # In a batch of both kinds it is that of the pictures.
    if request.quality is not None and {*kinds} == {"video"} and not animated:
        raise UsageError("--quality is for pictures, and the input is a video; give --crf")
