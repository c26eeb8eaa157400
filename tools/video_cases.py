"""Random small clips that FFmpeg's command line makes, each repeatable from its seed.

A case is a container, codecs that go into it, streams, flags and sometimes a fault, together with
what Crispen is asked to make of it. `tools/fuzz_video.py` runs cases; `video_checks` judges them.
"""

from __future__ import annotations

import random
from pathlib import Path

from video_case import Case, Fault
from video_containers import CONTAINERS, PICTURES, SOUNDS, TARGETS, Container, Picture

_TRIES = 12
_RATES = ("25", "25", "30000/1001", "24000/1001", "50", "30", "60", "24")
_FREE_RATES = (*_RATES, "12", "15", "10", "25/2", "1000/33")
_COLORS = (
    (),
    (),
    ("bt709", "bt709", "bt709"),
    ("smpte170m", "smpte170m", "smpte170m"),
    ("bt470bg", "gamma28", "bt470bg"),
    ("bt709", "iec61966-2-1", "smpte170m"),
)
_HDR = (("bt2020", "smpte2084", "bt2020nc"), ("bt2020", "arib-std-b67", "bt2020nc"))
_NAMES = ("clip", "a:b", "my clip", "größe 100%", "x%03d", "-dash", "it's [1]", "a#b?c")
_TEXT = """1
00:00:00,100 --> 00:00:00,300
Hello <i>there</i>

2
00:00:00,400 --> 00:00:00,900
Zwölf – 12
"""
_CHAPTERS = """;FFMETADATA1
title=The {n}th clip
artist=Someone
comment=äöü “quoted”
[CHAPTER]
TIMEBASE=1/1000
START=0
END=200
title=First
[CHAPTER]
TIMEBASE=1/1000
START=200
END=700
title=Zweites
"""


_COVER = ["ffmpeg", "-v", "error", "-nostdin", "-y", "-f", "lavfi", "-i", "color=red:s=32x32"]
_COVER += ["-frames:v", "1", "cover.png"]


def made(seed: int, folder: Path) -> Case | None:
    """The first of a seed's clips that FFmpeg can make, in an empty folder; None if none."""
    for turn in range(_TRIES):
        case = draw(seed, turn)
        if case.make(folder):
            return case
        for path in folder.iterdir():
            path.unlink()
    return None


def draw(seed: int, turn: int = 0) -> Case:
    """The case of a seed."""
    return _Drawing(seed, turn).case


class _Drawing:
    """Draws one case."""

    def __init__(self, seed: int, turn: int) -> None:
        self.rng = random.Random(f"{seed}-{turn}")
        rng = self.rng
        suffix = rng.choice([s for s, c in CONTAINERS.items() for _ in range(c.weight)])
        self.container: Container = CONTAINERS[suffix]
        self.codec: str = rng.choice(self.container.pictures)
        self.picture: Picture = PICTURES[self.codec]
        name = rng.choice(_NAMES) if self.chance(0.4) else "clip"
        self.case = Case(seed, turn, f"{name}{suffix}", rng.choice(TARGETS))
        self.case.marks += [suffix.lstrip("."), self.codec]
        self.inputs: list[str] = []
        self.maps: list[str] = []
        self.output: list[str] = []
        self.count = 0
        self._draw_picture()
        if self.container.sounds and self.chance(0.8):
            for number in range(rng.choice((1, 1, 1, 2, 3) if self.container.many else (1,))):
                self._draw_sound(number)
        self._draw_texts()
        self._draw_extras()
        self._draw_times()
        self._finish()
        self._draw_fault()
        self._draw_options()

    def chance(self, share: float) -> bool:
        return self.rng.random() < share

    def add_input(self, *arguments: str) -> int:
        self.inputs += arguments
        self.count += 1
        return self.count - 1

    def _size(self) -> tuple[int, int]:
        rng, step = self.rng, self.picture.step
        width, height = rng.randrange(64, 161), rng.randrange(48, 121)
        if step == 1 and self.chance(0.7):
            step = 2
        least = self.picture.least
        return max(least, width // step * step), max(least, height // step * step)

    def _draw_picture(self) -> None:
        rng, picture = self.rng, self.picture
        width, height = picture.size or self._size()
        free = self.container.irregular and not picture.broadcast
        rate = rng.choice(_FREE_RATES if free else _RATES)
        self.frames = rng.randrange(10, 41)
        numerator, _, denominator = rate.partition("/")
        self.seconds = self.frames * int(denominator or 1) / int(numerator)
        kind = rng.choice(("testsrc2", "testsrc2", "smptebars", "mandelbrot", "rgbtestsrc"))
        about = f"s={width}x{height}:r={rate}"
        source = f"{kind}={about}" + ("" if kind == "mandelbrot" else f":d={self.seconds:.6f}")
        pixels = rng.choice(picture.formats)
        filters = []
        if self.chance(0.2):
            filters.append("noise=alls=12:allf=t")
        full = pixels.startswith("yuvj") or (picture.range and self.chance(0.15))
        if full and not pixels.startswith("yuvj"):
            filters.append("scale=out_range=full")
            self.case.marks.append("full")
            self.output += ["-color_range", "pc"]
        filters.append(f"format={pixels}")
        if self.container.aspect and self.chance(0.2):
            aspect = rng.choice(("16/15", "64/45", "4/3", "8/9", "1/2"))
            filters.append(f"setsar={aspect}")
            self.case.marks.append(f"sar {aspect}")
        deep = "10" in pixels or "12" in pixels
        colors = rng.choice(_HDR) if deep and self.chance(0.3) else rng.choice(_COLORS)
        if (
            colors
            and picture.colors
            and not pixels.startswith(("rgb", "bgr", "gbr", "argb", "pal"))
        ):
            self.output += ["-color_primaries", colors[0], "-color_trc", colors[1]]
            self.output += ["-colorspace", colors[2]]
            self.case.marks.append(colors[1])
        if self.container.irregular and self.chance(0.2):
            self.case.marks.append("vfr")
            filters.append(
                rng.choice(
                    (
                        "select='mod(n,7)-3'",
                        "settb=1/1000,setpts=N*40+mod(N*17\\,23)",
                        "setpts='if(gt(N,8),PTS+2/TB,PTS)'",
                        "select='lt(n,4)+gt(n,9)'",
                    )
                )
            )
            self.output += ["-fps_mode", "vfr"]
        self.case.marks.append(pixels)
        at = self.add_input("-f", "lavfi", "-i", source)
        self.maps += ["-map", f"{at}:v"]
        self.output += ["-vf", ",".join(filters), "-frames:v", str(self.frames)]
        self.output += [*picture.encoder, "-pix_fmt", pixels, "-g", str(rng.choice((5, 12, 250)))]
        if picture.ordered and self.chance(0.5):
            self.output += ["-bf", str(rng.choice((1, 2, 3)))]
            self.case.marks.append("B-frames")
        if picture.fields and height % 4 == 0 and self.chance(0.15):
            self.output += picture.fields
            self.case.marks.append("interlaced")
        if self.container.titles and self.chance(0.4):
            self.output += ["-metadata:s:v:0", "language=fra"]
            self.output += ["-metadata:s:v:0", f"{self.container.titles}=Main picture"]
        if self.container.turns and self.chance(0.25):
            turn = rng.choice(("90", "180", "270"))
            self.output += ["-metadata:s:v:0", f"rotate={turn}"]
            self.case.marks.append(f"turned {turn}")

    def _draw_sound(self, number: int) -> None:
        rng = self.rng
        codec = rng.choice(self.container.sounds)
        sound = SOUNDS.get(codec, SOUNDS[""])
        rate = rng.choice(sound.rates)
        seconds = max(0.3, self.seconds * rng.choice((0.5, 1, 1, 1.2)))
        wave = f"'if(lt(mod(t,0.4),0.2),0.3*sin(2*PI*({440 + 200 * number}+900*t)*t),0)'"
        layout = rng.choice(sound.layouts)
        more = ["-itsoffset", rng.choice(("0.2", "0.033", "1"))] if self.chance(0.15) else []
        count = {"mono": 1, "stereo": 2, "5.1": 6}[layout]
        about = f"aevalsrc={'|'.join([wave] * count)}:s={rate}:c={layout}:d={seconds:.4f}"
        at = self.add_input(*more, "-f", "lavfi", "-i", about)
        if more:
            self.case.marks.append("late sound")
        self.maps += ["-map", f"{at}:a"]
        self.output += [f"-c:a:{number}", codec, f"-ar:a:{number}", str(rate)]
        self.case.marks.append(codec)
        if self.container.titles:
            if self.chance(0.6):
                language = rng.choice(("eng", "deu", "jpn"))
                self.output += [f"-metadata:s:a:{number}", f"language={language}"]
            if self.chance(0.3):
                title = f"{self.container.titles}=Commentary {number}"
                self.output += [f"-metadata:s:a:{number}", title]

    def _draw_texts(self) -> None:
        if not self.container.texts or not self.chance(0.4):
            return
        for number in range(self.rng.choice((1, 1, 2))):
            codec = self.rng.choice(self.container.texts)
            self.case.texts["lines.srt"] = _TEXT
            at = self.add_input("-i", "lines.srt")
            self.maps += ["-map", f"{at}:s"]
            language = self.rng.choice(("spa", "ita"))
            self.output += [f"-c:s:{number}", codec]
            self.output += [f"-metadata:s:s:{number}", f"language={language}"]
            self.case.marks.append(codec)

    def _draw_extras(self) -> None:
        container, rng = self.container, self.rng
        if container.chapters and self.chance(0.35):
            self.case.texts["chapters.txt"] = _CHAPTERS.format(n=self.case.seed)
            at = self.add_input("-i", "chapters.txt")
            self.output += ["-map_metadata", str(at), "-map_chapters", str(at)]
            self.case.marks.append("chapters")
        if container.attachments and self.chance(0.2):
            self.case.texts["font.ttf"] = "not really a font " * 40
            self.output += ["-attach", "font.ttf"]
            self.output += ["-metadata:s:t:0", "mimetype=application/x-truetype-font"]
            self.case.marks.append("attachment")
        second = False
        if container.second and self.chance(0.15):
            second = True
            about = f"testsrc=s=64x48:r=25:d={self.seconds:.4f}"
            at = self.add_input("-f", "lavfi", "-i", about)
            self.maps += ["-map", f"{at}:v"]
            self.output += ["-filter:v:1", "format=yuv420p", "-c:v:1", container.second]
            self.case.marks.append("second picture")
        if container.cover and not second and self.chance(0.2):
            self.case.commands.append(_COVER)
            at = self.add_input("-i", "cover.png")
            self.maps += ["-map", f"{at}:v"]
            self.output += ["-c:v:1", "copy", "-disposition:v:1", "attached_pic"]
            self.case.marks.append("cover")
        if container.timecode and self.frames and self.chance(0.1):
            self.output += ["-timecode", "01:02:03:04"]
            self.case.marks.append("timecode")
        if container.titles and self.chance(0.2):
            self.output += ["-metadata", "title=Größe “1”", "-metadata", "genre=Test"]
        # With numbers of its own, so that the cases of all other seeds stay as they are.
        covered = random.Random(f"cover {self.case.seed}").random() < 0.2
        if container.attachments and covered and "attachment" not in self.case.marks:
            self.case.commands.append(_COVER)
            self.output += ["-attach", "cover.png", "-metadata:s:t:0", "mimetype=image/png"]
            self.case.marks.append("cover")
        if container.name == "ts" and rng.random() < 0.1:
            self.case.texts["data.bin"] = "data " * 40
            at = self.add_input("-f", "data", "-i", "data.bin")
            self.maps += ["-map", f"{at}:d"]
            self.output += ["-c:d", "copy"]
            self.case.marks.append("data")

    def _draw_times(self) -> None:
        if self.container.offset and self.chance(0.2):
            offset = self.rng.choice(self.container.offset)
            self.output += ["-output_ts_offset", offset]
            if offset.startswith("-"):
                self.output += ["-avoid_negative_ts", "disabled"]
            self.case.marks.append(f"offset {offset}")
        if self.container.muxing and self.chance(0.4):
            self.output += self.rng.choice(self.container.muxing)

    def _finish(self) -> None:
        start = ["ffmpeg", "-v", "error", "-nostdin", "-y", "-bitexact"]
        target = f"./{self.case.source}"
        loose = ["-strict", "-2"]
        form = ["-f", self.container.muxer] if self.container.muxer else []
        first = [*start, *self.inputs, *self.maps, *self.output, *loose, *form]
        self.case.commands.append([*first, f"file:{target}"])
        if self.container.jitter and self.chance(0.06):
            whole = f"whole{Path(self.case.source).suffix}"
            self.case.commands[-1][-1] = f"file:./{whole}"
            kind = self.rng.choice(("a", "v") if "-c:a:0" in self.output else ("v",))
            setts = self.rng.choice(
                (
                    "setts=dts='if(eq(N,6),DTS-DURATION,DTS)'",
                    "setts=ts='if(eq(N,5),TS+90000,TS)'",
                    "setts=pts='if(eq(mod(N,9),4),NOPTS,PTS)'",
                )
            )
            again = [*start, "-copyts", "-i", f"file:./{whole}", "-map", "0", "-c", "copy"]
            again += [f"-bsf:{kind}", setts, *form, f"file:{target}"]
            self.case.commands.append(again)
            self.case.marks.append("timestamps")

    def _draw_fault(self) -> None:
        if not self.chance(0.22):
            return
        rng = self.rng
        kinds = ["cut", "flip", "zero"]
        if self.container.joins:
            kinds += ["twice"] * 2
        kind = rng.choice(kinds)
        amount = rng.choice((1, 5, 40)) if kind == "flip" else rng.choice((100, 1000))
        self.case.faults.append(Fault(kind, round(rng.uniform(0.3, 0.97), 3), amount))
        self.case.marks.append(kind)

    def _draw_options(self) -> None:
        from crispen.media.video.codecs import codecs_in

        rng = self.rng
        options = self.case.options
        way = rng.random()
        if way < 0.55:
            options["scale"] = 1
        elif way < 0.85:
            options |= {"scale": 2, "model": "espcn-x2"}
        else:
            options["width"] = rng.choice((96, 128, 200))
        if self.chance(0.5):
            options["codec"] = rng.choice(codecs_in(self.case.suffix))
        for name in ("audio", "subtitles"):
            if self.chance(0.25):
                options[name] = rng.choice(("copy", "convert", "none"))
        options["segment_s"] = rng.choice((10, 0.3))
        if self.chance(0.08):
            options["strip_metadata"] = True
        if self.chance(0.1):
            options["start"] = round(self.seconds * rng.uniform(0.1, 0.5), 3)
        if self.chance(0.1):
            options["end"] = round(self.seconds * rng.uniform(0.6, 0.9), 3)
        if "interlaced" in self.case.marks and self.chance(0.5):
            options["deinterlace"] = "off"
        options["threads"] = 1
