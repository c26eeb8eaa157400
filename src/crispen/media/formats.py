"""Every picture format that is read or written, and what each can hold.

Nothing else in the package lists formats, except `crispen.media.video_formats` for videos:
suffixes, media types, signatures and what browsers show come from here, including those that the
page needs (``make page-types``).

Formats are recognised by their first bytes, never by a file's name, and only the ones listed here
ever reach a decoder: libvips' loaders for SVG, Matlab, ImageMagick and the like, which are not
meant for untrusted files, are never called.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PictureFormat:
    """What one format can hold, and how it is read and written.

    Attributes:
        name: As in ``Header.format`` and ``--format``.
        title: The usual spelling.
        suffixes: The first is the usual one.
        mime: Media type.
        magic: Regular expression for the first bytes.
        aliases: Other names for ``--format``.
        max_side: Longest side in pixels, per frame of an animation; 0 means no practical limit.
        deep: Holds more than 8 bits per sample.
        deep_grey: Its encoder takes more than 8 bits only for grey in sRGB.
        alpha: Holds transparency.
        animated: Holds several frames with delays, all of which are read and written.
        grey: Holds grey as such, and not as RGB.
        profile: Holds a colour profile; without one the pixels are sRGB.
        code_points: Holds colours as code points, and so HDR.
        holds: What is written besides the pixels: ``exif``, ``xmp``, ``iptc``, ``photoshop``,
            ``comment``, ``texts`` (fields of `Metadata`).
        lossless: It always keeps every sample.
        viewable: Browsers show it.
        quality: Default of ``quality``; 0 if the format is always lossless or is not written.
        saver: libvips operation, or one of `own_codecs`; empty for formats that are only read.
        extra: What to install for it, as in ``pip install 'crispen[raw]'``.
        package: What that extra installs, by its import name.
    """

    name: str
    title: str
    suffixes: tuple[str, ...]
    mime: str
    magic: bytes
    aliases: tuple[str, ...] = ()
    max_side: int = 0
    deep: bool = False
    deep_grey: bool = False
    alpha: bool = True
    animated: bool = False
    grey: bool = True
    profile: bool = True
    code_points: bool = False
    holds: tuple[str, ...] = ()
    lossless: bool = False
    viewable: bool = True
    quality: int = 0
    saver: str = ""
    extra: str = ""
    package: str = ""

    @property
    def writable(self) -> bool:
        """Whether Crispen writes it."""
        return bool(self.saver)

    @property
    def own_encoder(self) -> bool:
        """Whether an encoder other than libvips writes it, which holds the whole picture."""
        return self.writable and not self.saver.endswith("save_target")


# fmt: off
_RAW_SUFFIXES = (
    ".dng", ".nef", ".nrw", ".cr2", ".cr3", ".crw", ".arw", ".srf", ".sr2",
    ".raf", ".rw2", ".rwl", ".orf", ".pef", ".srw", ".3fr", ".fff", ".iiq",
    ".erf", ".mef", ".mos", ".mrw", ".dcr", ".kdc", ".x3f", ".gpr",
)
# fmt: on

PICTURES: dict[str, PictureFormat] = {
    f.name: f
    for f in (
        PictureFormat(
            "png",
            "PNG",
            (".png", ".apng"),
            "image/png",
            rb"\x89PNG\r\n\x1a\n",
            deep=True,
            animated=True,
            code_points=True,
            lossless=True,
            holds=("exif", "xmp", "texts"),
            saver="pngsave_target",
        ),
        PictureFormat(
            "jpeg",
            "JPEG",
            (".jpg", ".jpeg", ".jpe", ".jfif"),
            "image/jpeg",
            rb"\xff\xd8\xff",
            aliases=("jpg",),
            max_side=65_500,
            alpha=False,
            quality=95,
            holds=("exif", "xmp", "iptc", "photoshop", "comment"),
            saver="jpegsave_target",
        ),
        PictureFormat(
            "webp",
            "WebP",
            (".webp",),
            "image/webp",
            rb"RIFF.{4}WEBP",
            max_side=16_383,
            animated=True,
            grey=False,
            quality=90,
            holds=("exif", "xmp"),
            saver="webpsave_target",
        ),
        # Before TIFF, since some of them begin like one. The first bytes do not show the others:
        # `choose` in `tiff_choice` finds them.
        PictureFormat(
            "raw",
            "camera raw",
            _RAW_SUFFIXES,
            "image/x-adobe-dng",
            rb"II\*\0.{4}CR|FUJIFILMCCD-RAW |IIU\0|IIR[OS]|MMOR|FOVb|\0MRM|II\x1a\0.{4}HEAPCCDR"
            rb"|.{4}ftypcrx ",
            deep=True,
            lossless=True,
            viewable=False,
            extra="raw",
            package="rawpy",
        ),
        PictureFormat(
            "tiff",
            "TIFF",
            (".tiff", ".tif"),
            "image/tiff",
            rb"II[*+]\0|MM\0[*+]",
            aliases=("tif",),
            deep=True,
            lossless=True,
            viewable=False,
            holds=("exif", "xmp", "iptc", "photoshop"),
            saver="tiffsave_target",
        ),
        PictureFormat(
            "avif",
            "AVIF",
            (".avif",),
            "image/avif",
            rb".{4}ftyp(avi[fs]|(mif1|msf1|miaf).{4}(.{4}){0,12}?avi[fs])",
            max_side=16_384,
            deep=True,
            animated=True,
            grey=False,
            code_points=True,
            quality=80,
            holds=("exif", "xmp"),
            saver="heifsave_target",
        ),
        PictureFormat(
            "gif",
            "GIF",
            (".gif",),
            "image/gif",
            rb"GIF8[79]a",
            max_side=65_535,
            animated=True,
            grey=False,
            profile=False,
            lossless=True,
            saver="gifsave_target",
        ),
        PictureFormat(
            "heif",
            "HEIC",
            (".heic", ".heif", ".hif"),
            "image/heic",
            rb".{4}ftyp(he[iv][cxms]|heif|mif1|msf1|miaf)",
            deep=True,
            code_points=True,
            viewable=False,
        ),
        PictureFormat(
            "jxl",
            "JPEG XL",
            (".jxl",),
            "image/jxl",
            rb"\xff\x0a|\0\0\0\x0cJXL \r\n\x87\n",
            deep_grey=True,
            profile=False,
            viewable=False,
            quality=90,
            holds=("exif", "xmp"),
            saver="jxl",
        ),
        PictureFormat(
            "jp2",
            "JPEG 2000",
            (".jp2", ".j2k", ".j2c", ".jpc", ".jpf", ".jpx"),
            "image/jp2",
            rb"\0\0\0\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51",
            deep=True,
            viewable=False,
        ),
        PictureFormat("bmp", "BMP", (".bmp", ".dib"), "image/bmp", rb"BM", lossless=True),
        PictureFormat(
            "pnm",
            "PNM",
            (".ppm", ".pgm", ".pbm", ".pnm", ".pam", ".pfm"),
            "image/x-portable-anymap",
            rb"P([1-7]|F|f)[\s#]",
            deep=True,
            lossless=True,
            viewable=False,
        ),
        PictureFormat(
            "ico",
            "ICO",
            (".ico", ".cur"),
            "image/x-icon",
            rb"\0\0[\x01\x02]\0[^\0]\0",
            lossless=True,
        ),
        # Last, since a TGA has no signature: this matches kind, palette and sensible depths.
        PictureFormat(
            "tga",
            "TGA",
            (".tga", ".icb", ".vda", ".vst"),
            "image/x-tga",
            rb".(\0[\x02\x03\x0a\x0b]\0{5}|\x01[\x01\x09].{5}).{8}[\x08\x0f\x10\x18\x20][\0-\x3f]",
            lossless=True,
            viewable=False,
        ),
    )
}

IMAGE_SUFFIXES: frozenset[str] = frozenset(s for f in PICTURES.values() for s in f.suffixes)


def _listed(titles: list[str]) -> str:
    return f"{', '.join(titles[:-1])} or {titles[-1]}"


READABLE = _listed([f.title for f in PICTURES.values()])
WRITABLE = _listed([f.name for f in PICTURES.values() if f.writable])
