"""What Debian's FFmpeg can put into which container, for `video_cases`."""

from __future__ import annotations

from dataclasses import dataclass


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_PLAIN = ("yuv420p",)
_MANY = ("yuv420p", "yuv422p", "yuv444p")


@dataclass(frozen=True, slots=True)
class Picture:
    """A codec of pictures.

    Attributes:
        encoder: FFmpeg's options.
        formats: Pixel formats that it is given.
        step: What width and height are multiples of.
        size: The only size, if there is one.
        least: The smallest width and height.
        ordered: It may store frames out of order.
        range: It may be tagged as full range.
        colors: It, or its container, tells colours.
        fields: Options for interlaced frames.
        broadcast: It knows only the rates of broadcasts.
    """

    encoder: tuple[str, ...]
    formats: tuple[str, ...] = _PLAIN
    step: int = 2
    size: tuple[int, int] | None = None
    least: int = 16
    ordered: bool = False
    range: bool = False
    colors: bool = True
    fields: tuple[str, ...] = ()
    broadcast: bool = False


_FIELDS = ("-flags", "+ilme+ildct", "-top", "1")
PICTURES = {
    "h264": Picture(
        ("-c:v:0", "libx264", "-preset", "ultrafast", "-qp:v:0", "12"),
        (*_PLAIN, *_PLAIN, "yuvj420p", "yuv422p", "yuv444p", "yuv420p10le", "yuv422p10le", "gray"),
        ordered=True,
        range=True,
        fields=("-flags", "+ilme+ildct", "-x264-params", "tff=1"),
    ),
    "h264rgb": Picture(
        ("-c:v:0", "libx264rgb", "-preset", "ultrafast", "-qp:v:0", "8"), ("rgb24",), step=1
    ),
    "hevc": Picture(
        ("-c:v:0", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none:qp=12"),
        (*_PLAIN, "yuv420p10le", "yuv444p", "yuv422p10le"),
        ordered=True,
        range=True,
    ),
    "mpeg4": Picture(("-c:v:0", "mpeg4", "-q:v:0", "2"), ordered=True, colors=False),
    "xvid": Picture(
        ("-c:v:0", "mpeg4", "-tag:v:0", "XVID", "-q:v:0", "2"), ordered=True, colors=False
    ),
    "msmpeg4v2": Picture(("-c:v:0", "msmpeg4v2", "-q:v:0", "2"), colors=False),
    "msmpeg4": Picture(("-c:v:0", "msmpeg4", "-q:v:0", "2"), colors=False),
    "wmv1": Picture(("-c:v:0", "wmv1", "-q:v:0", "2"), colors=False),
    "wmv2": Picture(("-c:v:0", "wmv2", "-q:v:0", "2"), colors=False),
    "flv1": Picture(("-c:v:0", "flv", "-q:v:0", "2"), colors=False),
    "h263p": Picture(("-c:v:0", "h263p", "-q:v:0", "2"), step=4, colors=False),
    "h263": Picture(("-c:v:0", "h263", "-q:v:0", "2"), size=(176, 144), colors=False),
    "rv20": Picture(("-c:v:0", "rv20", "-q:v:0", "2"), step=16, colors=False),
    "mpeg2video": Picture(
        ("-c:v:0", "mpeg2video", "-q:v:0", "2"),
        (*_PLAIN, *_PLAIN, "yuv422p"),
        ordered=True,
        fields=_FIELDS,
        broadcast=True,
    ),
    "mpeg1video": Picture(
        ("-c:v:0", "mpeg1video", "-q:v:0", "2"), ordered=True, colors=False, broadcast=True
    ),
    "mjpeg": Picture(
        ("-c:v:0", "mjpeg", "-q:v:0", "2", "-huffman", "default"),
        ("yuvj420p", "yuvj422p", "yuvj444p"),
        colors=False,
    ),
    "vp8": Picture(
        ("-c:v:0", "libvpx", "-deadline", "realtime", "-b:v", "2M", "-crf", "8"),
        (*_PLAIN, "yuva420p"),
        step=1,
    ),
    "vp9": Picture(
        _words("-c:v:0 libvpx-vp9 -deadline realtime -cpu-used 8 -b:v 0 -crf 12"),
        (*_PLAIN, "yuv444p", "yuv420p10le", "yuva420p"),
        step=1,
        range=True,
    ),
    "av1": Picture(("-c:v:0", "libsvtav1", "-preset", "12", "-crf", "15"), least=64, range=True),
    "theora": Picture(("-c:v:0", "libtheora", "-q:v:0", "9"), colors=False),
    "prores": Picture(
        ("-c:v:0", "prores_ks"), ("yuv422p10le", "yuv444p10le", "yuva444p10le"), fields=_FIELDS[:2]
    ),
    "dnxhr": Picture(("-c:v:0", "dnxhd", "-profile:v", "dnxhr_hq"), ("yuv422p",), least=256),
    "ffv1": Picture(
        ("-c:v:0", "ffv1", "-level", "3"),
        (
            *_MANY,
            *_words(
                "yuv420p10le yuv444p16le gray gray10le bgr0 yuva420p gbrp10le yuv410p yuv411p bgra"
            ),
        ),
        step=1,
        range=True,
    ),
    "huffyuv": Picture(("-c:v:0", "huffyuv"), ("yuv422p", "rgb24", "bgra"), colors=False),
    "utvideo": Picture(("-c:v:0", "utvideo"), (*_MANY, "gbrp", "gbrap"), colors=False),
    "magicyuv": Picture(
        ("-c:v:0", "magicyuv"), (*_MANY, "gbrp", "gbrap", "yuva444p", "gray"), colors=False
    ),
    "qtrle": Picture(("-c:v:0", "qtrle"), ("rgb24", "argb", "rgb555be", "gray"), colors=False),
    "png": Picture(
        ("-c:v:0", "png"), ("rgb24", "rgba", "gray", "pal8", "rgb48be", "ya8"), step=1, colors=False
    ),
    "rawvideo": Picture(
        ("-c:v:0", "rawvideo"), ("yuv420p", "yuyv422", "uyvy422", "bgr24", "gray"), colors=False
    ),
    "cinepak": Picture(("-c:v:0", "cinepak"), ("rgb24",), step=4, colors=False),
    "svq1": Picture(("-c:v:0", "svq1"), ("yuv410p",), step=4, colors=False),
    "zmbv": Picture(("-c:v:0", "zmbv"), ("bgr0", "pal8", "rgb565le"), colors=False),
    "flashsv": Picture(("-c:v:0", "flashsv"), ("bgr24",), colors=False),
    "dirac": Picture(("-c:v:0", "vc2"), ("yuv420p", "yuv444p", "yuv422p10le"), colors=False),
    "y4m": Picture((), (*_MANY, "gray", "yuv411p"), step=1, colors=False),
    "dv": Picture(("-c:v:0", "dvvideo"), ("yuv420p",), size=(720, 576), broadcast=True),
    "gif": Picture(("-c:v:0", "gif"), ("rgb8",), colors=False),
}


@dataclass(frozen=True, slots=True)
class Sound:
    """What a codec of sound is given.

    Attributes:
        rates: Samples per second.
        layouts: FFmpeg's names of channel layouts.
    """

    rates: tuple[int, ...] = (48000, 44100)
    layouts: tuple[str, ...] = ("mono", "stereo")


_WIDE = ("mono", "stereo", "stereo", "5.1")
SOUNDS = {
    "": Sound(),
    "aac": Sound((48000, 44100, 22050), _WIDE),
    "ac3": Sound((48000, 44100), _WIDE),
    "eac3": Sound((48000,), _WIDE),
    "libopus": Sound((48000,), _WIDE),
    "libvorbis": Sound((48000, 44100, 32000), _WIDE),
    "flac": Sound((48000, 96000, 44100, 8000), _WIDE),
    "alac": Sound((48000, 44100), _WIDE),
    "dca": Sound((48000,), ("stereo", "5.1(side)"[:3])),
    "truehd": Sound((48000,), ("stereo",)),
    "pcm_s16le": Sound((48000, 44100, 8000, 22050), _WIDE),
    "pcm_s24le": Sound((48000, 96000), _WIDE),
    "pcm_f32le": Sound((48000,), _WIDE),
    "pcm_dvd": Sound((48000,), ("stereo",)),
    "pcm_bluray": Sound((48000,), ("stereo",)),
    "s302m": Sound((48000,), ("stereo",)),
    "nellymoser": Sound((22050, 44100), ("mono",)),
    "libspeex": Sound((16000,), ("mono",)),
    "adpcm_ima_qt": Sound((44100,), ("stereo",)),
    "adpcm_swf": Sound((22050,), ("mono",)),
    "pcm_mulaw": Sound((8000,), ("mono",)),
    "real_144": Sound((8000,), ("mono",)),
}


@dataclass(frozen=True, slots=True)
class Container:
    """A container, and what FFmpeg can put into it.

    Attributes:
        pictures: Keys of `PICTURES`.
        sounds: FFmpeg's encoders.
        texts: FFmpeg's encoders of subtitles.
        name: A word for it.
        muxer: FFmpeg's name, if its suffix does not say it.
        weight: How often it is drawn.
        many: It holds several tracks of sound.
        titles: The tag for names of tracks; empty if it has no tags for tracks.
        chapters: It holds chapters.
        attachments: It holds attached files.
        cover: It holds a cover.
        second: FFmpeg's encoder for a second picture, if it holds one.
        turns: It tells a rotation.
        timecode: It holds a track of timecodes.
        aspect: It, or its codecs, tells the shape of pixels.
        irregular: Its frames may come at any times.
        offset: Times at which it may begin.
        jitter: Its time stamps may be wrong.
        joins: Two files one after the other are one.
        muxing: Further options, of which one is chosen.
    """

    pictures: tuple[str, ...]
    sounds: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    name: str = ""
    muxer: str = ""
    weight: int = 1
    many: bool = False
    titles: str = ""
    chapters: bool = False
    attachments: bool = False
    cover: bool = False
    second: str = ""
    turns: bool = False
    timecode: bool = False
    aspect: bool = True
    irregular: bool = False
    offset: tuple[str, ...] = ()
    jitter: bool = False
    joins: bool = False
    muxing: tuple[tuple[str, ...], ...] = ()


_PCM = ("pcm_s16le", "pcm_s24le", "pcm_f32le", "pcm_u8")
_CLOCK = ("0.4", "10", "3600", "95442")
_MP4_MUXING = (
    ("-movflags", "+faststart"),
    ("-movflags", "+frag_keyframe+empty_moov"),
    ("-movflags", "+negative_cts_offsets"),
    ("-use_editlist", "0"),
    ("-movie_timescale", "600"),
)

CONTAINERS: dict[str, Container] = {
    ".mp4": Container(
        ("h264", "h264", "h264", "hevc", "mpeg4", "av1", "vp9", "mpeg2video", "mjpeg", "png"),
        ("aac", "aac", "ac3", "eac3", "libmp3lame", "alac", "libopus", "flac", "mp2", "dca"),
        ("mov_text",),
        weight=6,
        many=True,
        titles="handler_name",
        chapters=True,
        cover=True,
        second="mpeg4",
        turns=True,
        timecode=True,
        irregular=True,
        offset=("0.4", "5", "-0.2", "-0.1"),
        jitter=True,
        muxing=_MP4_MUXING,
    ),
    ".mov": Container(
        _words(
            "h264 hevc prores prores mjpeg qtrle png rawvideo mpeg4 svq1 cinepak h263 dnxhr "
            "dv h264rgb"
        ),
        _words(
            "aac pcm_s16le pcm_s24le pcm_s16be pcm_f32le alac ac3 adpcm_ima_qt pcm_mulaw pcm_u8"
        ),
        ("mov_text",),
        weight=5,
        many=True,
        titles="handler_name",
        chapters=True,
        second="mjpeg",
        turns=True,
        timecode=True,
        irregular=True,
        offset=("0.4", "5", "-0.2"),
        jitter=True,
        muxing=_MP4_MUXING,
    ),
    ".m4v": Container(
        ("h264", "mpeg4"), ("aac", "ac3", "alac"), titles="handler_name", irregular=True, many=True
    ),
    ".3gp": Container(("h264", "mpeg4", "h263"), ("aac",), irregular=True),
    ".f4v": Container(("h264",), ("aac", "libmp3lame"), muxer="mp4"),
    ".mkv": Container(
        _words(
            "h264 h264 hevc vp9 vp8 av1 ffv1 ffv1 mpeg4 mpeg2video mpeg1video mjpeg theora "
            "prores png huffyuv utvideo magicyuv rawvideo wmv2 h264rgb dirac rv20 msmpeg4"
        ),
        (
            *_words("aac ac3 eac3 libmp3lame libopus libvorbis flac"),
            *_PCM,
            *_words("alac mp2 dca truehd tta wavpack wmav2 adpcm_ms pcm_s16be"),
        ),
        ("srt", "ass", "webvtt"),
        weight=8,
        many=True,
        titles="title",
        chapters=True,
        attachments=True,
        second="libx264",
        irregular=True,
        offset=("0.4", "3600", "-0.2"),
        jitter=True,
        muxing=(("-live", "1"), ("-cues_to_front", "1"), ("-cluster_time_limit", "200")),
    ),
    ".webm": Container(
        ("vp8", "vp9", "av1"),
        ("libopus", "libvorbis"),
        ("webvtt",),
        weight=2,
        many=True,
        titles="title",
        irregular=True,
        offset=("0.4", "5"),
        second="libvpx",
    ),
    ".avi": Container(
        _words(
            "mpeg4 xvid msmpeg4v2 mjpeg huffyuv utvideo ffv1 rawvideo cinepak h264 "
            "mpeg2video zmbv wmv2 magicyuv png dv"
        ),
        ("libmp3lame", "pcm_s16le", "ac3", "adpcm_ms", "adpcm_ima_wav", "wmav2", "mp2", "aac"),
        weight=4,
        many=True,
        titles="title",
    ),
    ".ts": Container(
        ("h264", "h264", "hevc", "mpeg2video", "mpeg2video", "mpeg4", "mpeg1video"),
        ("mp2", "aac", "ac3", "eac3", "libmp3lame", "s302m", "libopus", "dca"),
        weight=4,
        many=True,
        titles="title",
        second="mpeg2video",
        irregular=True,
        offset=_CLOCK,
        jitter=True,
        joins=True,
        name="ts",
        muxing=(("-mpegts_flags", "latm"), ("-mpegts_copyts", "1"), ("-muxdelay", "0")),
    ),
    ".m2ts": Container(
        ("h264", "mpeg2video"),
        ("ac3", "pcm_bluray", "dca"),
        offset=_CLOCK,
        many=True,
        joins=True,
        irregular=True,
    ),
    ".mpg": Container(
        ("mpeg1video", "mpeg2video"),
        ("mp2", "ac3", "libmp3lame"),
        offset=_CLOCK,
        joins=True,
        many=True,
        weight=2,
    ),
    ".vob": Container(("mpeg2video",), ("ac3", "mp2", "pcm_dvd"), offset=_CLOCK, many=True),
    ".flv": Container(
        ("flv1", "h264", "flashsv"),
        ("libmp3lame", "aac", "nellymoser", "libspeex", "adpcm_swf"),
        irregular=True,
        offset=("0.4", "5"),
        jitter=True,
        weight=2,
    ),
    ".wmv": Container(
        ("wmv1", "wmv2", "msmpeg4"),
        ("wmav1", "wmav2", "libmp3lame"),
        titles="title",
        irregular=True,
        offset=("0.4",),
        many=True,
        weight=2,
    ),
    ".ogv": Container(("theora",), ("libvorbis", "libopus", "flac", "libspeex"), many=True),
    ".mxf": Container(("mpeg2video",), ("pcm_s16le",), timecode=True),
    ".nut": Container(
        ("ffv1", "rawvideo", "mpeg4", "h264", "dirac"),
        ("libmp3lame", "libvorbis", "pcm_s16le", "flac"),
        titles="title",
        irregular=True,
        many=True,
    ),
    ".dv": Container(("dv",), ("pcm_s16le",)),
    ".rm": Container(("rv20",), ("ac3",)),
    ".y4m": Container(("y4m",)),
    ".ivf": Container(("vp8", "vp9", "av1"), irregular=True),
    ".264": Container(("h264",), muxer="h264", aspect=True),
    ".265": Container(("hevc",), muxer="hevc"),
    ".m2v": Container(("mpeg2video",), muxer="mpeg2video"),
    ".mjpeg": Container(("mjpeg",), muxer="mjpeg", aspect=False),
}

TARGETS = (".mp4", ".mp4", ".mp4", ".mkv", ".mkv", ".mkv", ".mov", ".mov", ".webm", ".m4v")
