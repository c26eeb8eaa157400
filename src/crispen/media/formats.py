"""Every format of pictures and videos that is read or written, and what each can hold.

Nothing else in the package lists formats: suffixes, media types, signatures, codecs and what
browsers show are read from here, those that the page needs included (``make page-types``).

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
        title: As people write it.
        suffixes: The first is the usual one.
        mime: Media type.
        magic: Regular expression for the first bytes.
        aliases: Other names for ``--format``.
        max_side: Longest side in pixels, animations counted by frame; 0 means no limit of note.
        deep: Holds more than 8 bits a sample.
        deep_grey: Its encoder takes more than 8 bits of grey in sRGB, if of nothing else.
        alpha: Holds transparency.
        animated: Holds several frames with delays, all of which are read and written.
        grey: Holds grey as such, and not as RGB.
        profile: Holds a colour profile; without one the pixels are sRGB.
        code_points: Holds colours as code points, and so HDR.
        holds: What beside the pixels is written: ``exif``, ``xmp``, ``iptc``, ``photoshop``,
            ``comment``, ``texts`` (as fields of `Metadata` are called).
        lossless: It always keeps every sample.
        viewable: Browsers show it.
        quality: Default of ``quality``; 0 where nothing is lost anyway, and where it is not
            written.
        saver: libvips operation, or one of `own_codecs`; empty for formats that are only read.
        extra: What to install for it, as in ``pip install 'crispen[raw]'``.
        package: What that extra installs, as it is imported.
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
        """Whether it is written by an encoder beside libvips, which holds the whole picture."""
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
        # Before TIFF, as which some of them begin. Others cannot be distinguished by that: `choose`
        # in `_tiff_choice` finds them.
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
        # Last of all, since a TGA has no signature: kind, no palette or one, sensible depths.
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

_HEVC_AND_H264 = ("h264", "hevc")
_OPEN = ("vp9", "av1")
_MOV = "mov,mp4,m4a,3gp,3g2,mj2"


@dataclass(frozen=True, slots=True)
class VideoFormat:
    """One container of videos.

    Attributes:
        name: As in ``--format``, and in what the API says of a source.
        suffixes: The first is the usual one.
        mime: Media type.
        demuxer: What FFmpeg calls it when reading; several rows can share one.
        muxer: What FFmpeg calls it when writing; empty for formats that are only read.
        codecs: Of ours, which it can hold; the usual one first.
        browsers: Of these, which browsers play in it.
        sound: FFmpeg's encoder for sound that it cannot hold as it is.
        deep_sound: Likewise, for sound of more than 16 bits.
        text: Likewise, for subtitles of text.
        offered: Whether it can be asked for by name.
        magic: Regular expression for the first bytes, where they tell; only for errors' texts,
            since FFmpeg itself recognises videos.
    """

    name: str
    suffixes: tuple[str, ...]
    mime: str
    demuxer: str
    muxer: str = ""
    codecs: tuple[str, ...] = ()
    browsers: tuple[str, ...] = ()
    sound: str = ""
    deep_sound: str = ""
    text: str = ""
    offered: bool = True
    magic: bytes = b""


# Of rows that share a demuxer the first one names a source.
VIDEOS: dict[str, VideoFormat] = {
    f.name: f
    for f in (
        VideoFormat(
            "mp4",
            (".mp4",),
            "video/mp4",
            _MOV,
            muxer="mp4",
            codecs=(*_HEVC_AND_H264, *_OPEN),
            browsers=("h264", *_OPEN),
            sound="aac",
            text="mov_text",
            magic=rb".{4}ftyp",
        ),
        VideoFormat(
            "m4v",
            (".m4v",),
            "video/x-m4v",
            _MOV,
            muxer="mp4",
            codecs=_HEVC_AND_H264,
            sound="aac",
            text="mov_text",
            offered=False,
        ),
        VideoFormat(
            "mov",
            (".mov",),
            "video/quicktime",
            _MOV,
            muxer="mov",
            codecs=(*_HEVC_AND_H264, "prores"),
            browsers=("h264",),
            sound="pcm_s16le",
            deep_sound="pcm_s24le",
            text="mov_text",
            magic=rb".{4}(moov|wide|mdat)",
        ),
        VideoFormat("3gp", (".3gp", ".3g2"), "video/3gpp", _MOV),
        VideoFormat("f4v", (".f4v",), "video/mp4", _MOV),
        VideoFormat(
            "mkv",
            (".mkv",),
            "video/x-matroska",
            "matroska,webm",
            muxer="matroska",
            codecs=(*_HEVC_AND_H264, *_OPEN, "ffv1", "prores"),
            sound="flac",
            text="subrip",
            magic=rb"\x1aE\xdf\xa3",
        ),
        VideoFormat(
            "webm",
            (".webm",),
            "video/webm",
            "matroska,webm",
            muxer="webm",
            codecs=_OPEN,
            browsers=_OPEN,
            sound="libopus",
            text="webvtt",
        ),
        VideoFormat("avi", (".avi",), "video/x-msvideo", "avi", magic=rb"RIFF.{4}AVI "),
        VideoFormat(
            "mpegts",
            (".ts", ".mts", ".m2ts", ".m2t", ".trp"),
            "video/mp2t",
            "mpegts",
            magic=rb"G.{187}G|.{4}G.{191}G",  # the second as on Blu-ray discs
        ),
        VideoFormat(
            "mpeg", (".mpg", ".mpeg", ".vob"), "video/mpeg", "mpeg", magic=rb"\0\0\x01\xba"
        ),
        VideoFormat("mpegvideo", (".m2v",), "video/mpeg", "mpegvideo", magic=rb"\0\0\x01\xb3"),
        VideoFormat("flv", (".flv",), "video/x-flv", "flv", magic=rb"FLV\x01"),
        VideoFormat(
            "asf", (".wmv", ".asf"), "video/x-ms-asf", "asf", magic=rb"\x30\x26\xb2\x75\x8e\x66\xcf"
        ),
        VideoFormat(
            "ogg", (".ogv",), "video/ogg", "ogg", magic=rb"OggS.{24}(.{0,64}\x80theora|\x01video)"
        ),
        VideoFormat("mxf", (".mxf",), "application/mxf", "mxf", magic=rb"\x06\x0e\x2b\x34\x02\x05"),
        VideoFormat("nut", (".nut",), "video/x-nut", "nut", magic=rb"nut/multimedia"),
        VideoFormat(
            "yuv4mpegpipe", (".y4m",), "video/x-yuv4mpeg", "yuv4mpegpipe", magic=rb"YUV4MPEG2"
        ),
        VideoFormat("dv", (".dv",), "video/x-dv", "dv", magic=rb"\x1f\x07\0[\x3f\xbf]"),
        VideoFormat("mjpeg", (".mjpeg",), "video/x-motion-jpeg", "mjpeg"),
        # A unit that describes the stream comes first, or one that only says that one begins.
        VideoFormat(
            *("h264", (".h264", ".264"), "video/h264", "h264"),
            magic=rb"\0{2,3}\x01([\x07\x27\x47\x67]|\x09.\0{2,3}\x01[\x07\x27\x47\x67])",
        ),
        VideoFormat(
            *("hevc", (".hevc", ".265"), "video/h265", "hevc"), magic=rb"\0{2,3}\x01[\x40\x46]\x01"
        ),
        VideoFormat("rm", (".rm", ".rmvb"), "application/vnd.rn-realmedia", "rm", magic=rb"\.RMF"),
        VideoFormat("ivf", (".ivf",), "video/x-ivf", "ivf", magic=rb"DKIF"),
        VideoFormat("obu", (), "video/av1", "obu"),
        VideoFormat(
            "mpeg4", (), "video/mp4v-es", "m4v", magic=rb"\0\0\x01(\xb0|[\0-\x1f]\0\0\x01\x20)"
        ),
    )
}

IMAGE_SUFFIXES: frozenset[str] = frozenset(s for f in PICTURES.values() for s in f.suffixes)

VIDEO_SUFFIXES: frozenset[str] = frozenset(s for f in VIDEOS.values() for s in f.suffixes)

# Suffixes of videos that are written, and what FFmpeg calls their containers.
MUXERS: dict[str, str] = {s: f.muxer for f in VIDEOS.values() if f.muxer for s in f.suffixes}


def _listed(titles: list[str]) -> str:
    return f"{', '.join(titles[:-1])} or {titles[-1]}"


READABLE = _listed([f.title for f in PICTURES.values()])
WRITABLE = _listed([f.name for f in PICTURES.values() if f.writable])
