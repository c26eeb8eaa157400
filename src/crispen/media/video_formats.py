"""Every video container that is read or written, and what each can hold.

Like `crispen.media.formats` for pictures: suffixes, media types, signatures, codecs and what
browsers play come from here, including those that the page needs (``make page-types``).
"""

from __future__ import annotations

from dataclasses import dataclass

_HEVC_AND_H264 = ("h264", "hevc")
_OPEN = ("vp9", "av1")
_MOV = "mov,mp4,m4a,3gp,3g2,mj2"


@dataclass(frozen=True, slots=True)
class VideoFormat:
    """One video container.

    Attributes:
        name: As in ``--format``, and in what the API says about a source.
        suffixes: The first is the usual one.
        mime: Media type.
        demuxer: What FFmpeg calls it when reading; several rows can share one.
        muxer: What FFmpeg calls it when writing; empty for formats that are only read.
        codecs: Which of our codecs it can hold; the usual one first.
        alpha: Which of these it holds with transparency; one without loss first, if there is any.
        browsers: Which of its codecs browsers play in it.
        sound: FFmpeg's encoder for sound that it cannot hold as it is.
        deep_sound: Likewise, for sound of more than 16 bits.
        text: Likewise, for text subtitles.
        offered: Whether it can be requested by name.
        magic: Regular expression for the first bytes, if they tell; only for error texts, since
            FFmpeg itself recognises videos.
    """

    name: str
    suffixes: tuple[str, ...]
    mime: str
    demuxer: str
    muxer: str = ""
    codecs: tuple[str, ...] = ()
    alpha: tuple[str, ...] = ()
    browsers: tuple[str, ...] = ()
    sound: str = ""
    deep_sound: str = ""
    text: str = ""
    offered: bool = True
    magic: bytes = b""


# If rows share a demuxer, the first one names a source.
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
            alpha=("prores",),
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
            alpha=("ffv1", "prores", "vp9"),
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
            alpha=("vp9",),
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
        # First comes a unit that describes the stream, or one that only marks its beginning.
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

VIDEO_SUFFIXES: frozenset[str] = frozenset(s for f in VIDEOS.values() for s in f.suffixes)

# Suffixes of writable videos, and FFmpeg's names of their containers.
MUXERS: dict[str, str] = {s: f.muxer for f in VIDEOS.values() if f.muxer for s in f.suffixes}
