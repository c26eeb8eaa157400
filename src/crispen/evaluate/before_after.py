"""A picture before and after, to look at in a notebook or to save: ``crispen.compare``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from crispen.errors import UsageError

if TYPE_CHECKING:
    from crispen.evaluate.compare import Comparison
    from crispen.media.image import ImageLike

_FRAME = (
    '<iframe srcdoc="{page}" title="{title}" sandbox="allow-scripts" loading="lazy" '
    'style="width: 100%; height: {height}px; border: 0"></iframe>'
)
# Of the frame, for all that is not the picture: bars, small views, the table.
_AROUND_PX = 420
_MOST_PX = 900
_PAGES = (".html", ".htm")


def compare(
    before: ImageLike,
    after: ImageLike,
    reference: ImageLike | None = None,
    *,
    method: Literal["bicubic", "nearest"] = "bicubic",
    insets: int = 3,
) -> BeforeAfter:
    """Two pictures of one thing under a line that can be dragged.

    Args:
        before: A path, NumPy array, Pillow picture, bytes or `Image`; enlarged to the size of
            `after` if it is smaller.
        after: The result; it sets the comparison's size.
        reference: What it should look like, for PSNR and SSIM; at least as large as `after`.
        method: How `before` is enlarged.
        insets: How many of the places that differ most are magnified.

    Returns:
        What Jupyter shows as a slider; `BeforeAfter.save` writes it as a page or a picture.

    Raises:
        InputError: A picture cannot be read.
        UsageError: They do not show the same thing at these sizes.

    >>> import numpy as np, crispen
    >>> small = np.zeros((16, 16, 3), np.uint8)
    >>> crispen.compare(small, crispen.enhance(small, scale=2, as_is=True))
    <BeforeAfter: before, bicubic 2×; after>
    """
    from crispen.evaluate.compare import compare as prepare

    return BeforeAfter(prepare(before, after, reference, method=method, windows=insets))


class BeforeAfter:
    """A comparison of pictures; made by `compare`.

    Args:
        comparison: What is shown.
    """

    def __init__(self, comparison: Comparison) -> None:
        self.comparison = comparison

    def __repr__(self) -> str:
        panels = (", ".join(filter(None, (p.title, p.note))) for p in self.comparison.panels)
        return f"<BeforeAfter: {'; '.join(panels)}>"

    def _repr_html_(self) -> str:
        """What Jupyter shows: the page in a frame, whose script cannot reach the notebook."""
        from crispen.evaluate.report.html_page import escape

        page = self.page()
        height = min(self.comparison.panels[0].pixels.shape[0], _MOST_PX) + _AROUND_PX
        return _FRAME.format(page=escape(page), title=escape(repr(self)), height=height)

    def page(self) -> str:
        """A page that needs nothing else, as HTML."""
        from crispen.evaluate.report.slider import make_page

        return make_page(self.comparison)

    def save(self, path: str | Path, *, overwrite: bool = False) -> None:
        """Write a page with a slider (``.html``), or a sheet with all pictures side by side.

        Raises:
            UsageError: The name is that of neither.
            OutputError: The file exists, or cannot be written.
        """
        from crispen.evaluate.report.html_page import save_page
        from crispen.evaluate.sheet import make_sheet
        from crispen.media.atomic import check_target
        from crispen.media.image import Image, write_image

        target = Path(path)
        check_name(target)
        if target.suffix.lower() in _PAGES:
            check_target(target, overwrite=overwrite)
            save_page(self.page(), target)
        else:
            write_image(Image(make_sheet(self.comparison)), target, overwrite=overwrite)


def check_name(target: Path) -> None:
    """Refuse a name of neither a page nor a picture.

    Raises:
        UsageError: It is one.
    """
    from crispen.media.image import is_image_name

    if target.suffix.lower() not in _PAGES and not is_image_name(target):
        raise UsageError(f"{target}: give a name that ends in .png or .html")
