"""What is wrong with a result, judged by FFmpeg's command line."""

from __future__ import annotations

import itertools
import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from crispen.enhance.video.making import VideoReport
from crispen.media.video.container import probe
from video_case import Case
from video_facts import Facts, Packet, depth, kind_of, lag, planar, rotation, tag

_LEVEL = 1.5  # of 8 bits, by which the means of a plane may differ
_LAG_S = 0.02
_REFRAMED = {"aac": "aac_adtstoasc", "h264": "h264_mp4toannexb", "hevc": "hevc_mp4toannexb"}
_KINDS = ("audio", "subtitle", "attachment", "data", "cover", "video")
_UNKNOWN = (None, "unknown", "reserved")


def problems(case: Case, source: Path, target: Path, report: VideoReport) -> list[str]:
    """What is wrong, a line each; nothing if all is right.

    Args:
        case: What was asked for.
        source: The clip.
        target: The result.
        report: What Crispen says of it.
    """
    return _Comparison(case, source, target, report).problems()


class _Comparison:
    def __init__(self, case: Case, source: Path, target: Path, report: VideoReport) -> None:
        self.case, self.report = case, report
        self.old, self.new = Facts(source), Facts(target)
        self.header = probe(source)
        self.found: list[str] = []
        self.notes = report.notes
        self.shift = Fraction(0)
        self.begin = case.options.get("start")
        self.cut = self.begin is not None or "end" in case.options

    def problems(self) -> list[str]:
        pictures = self.new.of_kind("video")
        if not pictures:
            return ["the result has no picture"]
        self.picture = pictures[0]
        self.source = self.old.streams[self.header.stream]
        self._sanity()
        if not self.case.clean:
            self._damaged()
            return self.found
        self._times()
        self._describes()
        self._levels()
        self._streams()
        self._file()
        return self.found

    def say(self, text: str) -> None:
        self.found.append(text)

    def _sanity(self) -> None:
        """What holds of every result."""
        times = [t for t in self.new.times(self.picture["index"]) if t is not None]
        if len(times) != self.report.frames:
            self.say(f"{len(times)} frames in the result, {self.report.frames} reported")
        if any(b <= a for a, b in itertools.pairwise(times)):
            self.say("times of frames do not increase")
        for stream in self.new.streams:
            stamps = [p.dts for p in self.new.packets[stream["index"]] if p.dts is not None]
            if any(b < a for a, b in itertools.pairwise(stamps)):
                self.say(f"decoding times of stream {stream['index']} do not increase")

    def _damaged(self) -> None:
        """What holds of results of damaged clips."""
        right = self.old.times(self.source["index"])
        if not self.cut and abs(len(right) - self.report.frames) > max(3, len(right) // 5):
            self.say(f"{self.report.frames} frames, where FFmpeg decodes {len(right)}")
        kept = [kind_of(s) for s in self.new.streams]
        wished = self.case.options.get("audio") != "none"
        lost = self.old.of_kind("audio") and wished and "audio" not in kept
        if lost and not any("audio" in note for note in self.notes):
            self.say("the sound is lost without a note")

    def _times(self) -> None:
        origin = self.old.origin
        stamps = self.old.times(self.source["index"])
        right = [t - origin if t is not None else None for t in stamps]
        if self.cut and None in right:
            return
        raw = self.header.container in ("h264", "hevc")
        if raw and self.header.rate:
            right = [n / self.header.rate for n in range(len(right))]
        begin = Fraction(str(self.begin or 0)) if self.begin is not None else None
        end = self.case.options.get("end")
        if begin is not None:
            right = [t for t in right if t >= begin]
        if end is not None:
            right = [t for t in right if t < Fraction(str(end))]
        if begin is not None and right:
            right = [t - right[0] for t in right]
        got = self.new.times(self.picture["index"])
        if len(got) != len(right):
            self.say(f"{len(got)} frames in place of {len(right)}")
            return
        tick = Fraction(self.picture["time_base"])
        if right and right[0] is not None and right[0] < 0:  # players do not show such frames
            self.shift = -right[0]
        elif right and self.case.suffix in (".mkv", ".webm"):
            # Matroska has no sound before zero: all streams are moved, as FFmpeg does it.
            stamps = [p.dts for ps in self.old.packets.values() for p in ps]
            if min((t for t in stamps if t is not None), default=origin) < origin:
                self.shift = got[0] - (right[0] or 0)
        wrong = [
            n
            for n, (a, b) in enumerate(zip(right, got, strict=True))
            if a is not None and abs(a + self.shift - b) > tick
        ]
        if wrong:
            n = wrong[0]
            self.say(
                f"{len(wrong)} times differ, first of frame {n}: "
                f"{float(got[n]):.6f} in place of {float(right[n] + self.shift):.6f}"
            )

    def _describes(self) -> None:
        """Size, shape, rotation, colours, language and title of the picture."""
        old, new, options = self.source, self.picture, self.case.options
        scale = options.get("scale")
        if scale is not None:
            for side in ("width", "height"):
                exact = old[side] * scale
                if not exact <= new[side] <= exact + 1:
                    self.say(f"{side} {new[side]} in place of {exact}")
            a, b = (self._aspect(s) for s in (old, new))
            if abs(a / b - 1) > Fraction(1, 200):
                self.say(f"pixel aspect {b} in place of {a}")
        turned = self.header.rotation % 360
        again = probe(self.new.path).rotation % 360
        if again != turned:
            self.say(f"rotation {again} in place of {turned} ({rotation(old)} by ffprobe)")
        rgb = planar(old["pix_fmt"]) is None
        for key in ("color_primaries", "color_transfer", "color_space", "color_range"):
            a, b = old.get(key), new.get(key)
            if a in _UNKNOWN or (rgb and key in ("color_space", "color_range")):
                continue
            if key == "color_range" and any("range" in n for n in self.notes):
                continue
            if a != b and (a, b) != ("tv", None):  # which it means
                self.say(f"{key} {b} in place of {a}")
        self._named(old, new, "picture")

    @staticmethod
    def _aspect(stream: dict[str, Any]) -> Fraction:
        said = stream.get("sample_aspect_ratio", "1:1").replace(":", "/")
        return Fraction(said) if not said.startswith("0") else Fraction(1)

    def _named(self, old: dict[str, Any], new: dict[str, Any], what: str) -> None:
        a, b = tag(old, "language"), tag(new, "language")
        if a not in ("", "und") and a != b:
            self.say(f"language of {what} '{b}' in place of '{a}'")
        if self.case.options.get("strip_metadata"):
            if tag(new, "title"):
                self.say(f"title of {what} kept although stripped")
            return
        name = tag(old, "title") or tag(old, "handler_name")
        names = (tag(new, "title"), tag(new, "handler_name"))
        if name and "handler" not in name.lower() and name not in names:
            self.say(f"title of {what} lost: {name}")

    def _levels(self) -> None:
        """Means of planes, frame by frame."""
        if self.cut or any("range" in n for n in self.notes):
            return
        old, new = planar(self.source["pix_fmt"]), planar(self.picture["pix_fmt"])
        if new is None:
            self.say(f"pixel format {self.picture['pix_fmt']}")
            return
        forms = (old, new) if old is not None else ("rgb24", "rgb24")
        before, after = (
            facts.planes(stream["index"], form)
            for facts, stream, form in zip(
                (self.old, self.new), (self.source, self.picture), forms, strict=True
            )
        )
        if len(before) != len(after):
            return  # told already
        worst: dict[int, tuple[float, int]] = {}
        for number, (a, b) in enumerate(zip(before, after, strict=True)):
            for place, (p, q) in enumerate(zip(a, b, strict=False)):
                means = [
                    float(x.mean()) / (1 << depth(f) - 8)
                    for x, f in zip((p, q), forms, strict=True)
                ]
                gap = abs(means[0] - means[1])
                worst[place] = max(worst.get(place, (0.0, 0)), (gap, number))
        loose = 2 if old is None or self.case.options.get("scale") != 1 else 1
        for place, (gap, number) in worst.items():
            if gap > _LEVEL * loose:
                self.say(f"mean of plane {place} differs by {gap:.2f} levels in frame {number}")

    def _streams(self) -> None:
        options = self.case.options
        for kind in _KINDS:
            olds = [s for s in self.old.of_kind(kind) if s["index"] != self.header.stream]
            news = [s for s in self.new.of_kind(kind) if s["index"] != self.picture["index"]]
            wish = options.get({"audio": "audio", "subtitle": "subtitles"}.get(kind, ""))
            if wish == "none":
                if news:
                    self.say(f"{kind} kept although left out")
                continue
            kept = [s for s in olds if not self._noted(s, "left out") and not self._made_anew(s)]
            if kind == "data":
                news = [s for s in news if not self._made_anew(s)]
            if len(kept) != len(news):
                names = [s.get("codec_name", "?") for s in kept]
                self.say(f"{len(news)} streams of kind {kind} in place of {names}")
                continue
            for number, (a, b) in enumerate(zip(kept, news, strict=True)):
                self._stream(kind, number, a, b)

    def _noted(self, stream: dict[str, Any], word: str) -> bool:
        mark = rf"#{stream['index']}\b[^:]* {word}"
        return any(re.search(mark, note) for note in self.notes)

    def _made_anew(self, stream: dict[str, Any]) -> bool:
        return kind_of(stream) == "data" and (
            bool(tag(stream, "timecode"))
            or stream.get("codec_tag_string") in ("tmcd", "text")
            or "timecode" in self.case.marks
        )

    def _stream(self, kind: str, number: int, a: dict[str, Any], b: dict[str, Any]) -> None:
        what = f"{kind} {number} ({a.get('codec_name')})"
        self._named(a, b, what)
        pcm = a["codec_name"].startswith("pcm_") if "codec_name" in a else False
        if kind == "attachment" or (pcm and self.case.suffix in (".mp4", ".m4v")):
            return  # FFmpeg 5 reads PCM in MP4 as 16 bits, whatever it is
        if kind == "audio" and not self.cut:
            self._heard(what, a, b)
        if self._noted(a, "converted"):
            return
        names = [s.get("codec_name", "") for s in (a, b)]
        if names[0] != names[1] and names != ["mp2", "mp3"]:  # MP4 has one word for both
            self.say(f"{what} became {b.get('codec_name')} without a note")
            return
        if self.cut and kind != "cover":
            return
        old, new = self.old.packets[a["index"]], self.new.packets[b["index"]]
        old = [p for p in old if p.size]
        if pcm:  # whose packets a demuxer may cut otherwise
            if sum(p.size for p in old) != sum(p.size for p in new):
                self.say(f"{what}: its length is not the same")
            return
        if kind == "subtitle":
            old, new = ([p for p in ps if p.size > 2] for ps in (old, new))
        lost = sum(
            int(n)
            for note in self.notes
            if self._noted(a, "damaged")
            for n in re.findall(r": (\d+) damaged", note)
        )
        if len(new) != len(old) - lost:
            self.say(f"{what}: {len(new)} packets in place of {len(old)}")
            return
        if not lost and not self._same(a, b, old, new):
            self.say(f"{what}: its packets are not the same")
        if kind == "cover":
            return
        ticks = Fraction(a["time_base"]) + Fraction(b["time_base"])
        origin = self.old.origin
        for n, (p, q) in enumerate(zip(old, new, strict=False)):
            if p.pts is None or q.pts is None or lost:
                continue
            gap = q.pts - (p.pts - origin + self.shift)
            if abs(gap) > ticks:
                self.say(f"{what}: packet {n} at {float(q.pts):.5f}, off by {float(gap):.5f} s")
                return

    def _same(
        self, a: dict[str, Any], b: dict[str, Any], old: list[Packet], new: list[Packet]
    ) -> bool:
        if [p.checksum for p in old] == [p.checksum for p in new]:
            return True
        filters = _REFRAMED.get(a["codec_name"])
        if filters is None:
            return False
        some, others = (
            facts.filtered(s["index"], filters) for facts, s in ((self.old, a), (self.new, b))
        )
        return bool(some) and some == others

    def _heard(self, what: str, a: dict[str, Any], b: dict[str, Any]) -> None:
        numbers = [
            [s["index"] for s in facts.of_kind("audio")].index(stream["index"])
            for facts, stream in ((self.old, a), (self.new, b))
        ]
        # From a second before the first picture on.
        starts = [
            next((t for t in facts.times(s["index"]) if t is not None), Fraction(0))
            for facts, s in ((self.old, self.source), (self.new, self.picture))
        ]
        before = self.old.heard(numbers[0], shift=1 - starts[0])
        after = self.new.heard(numbers[1], shift=1 - starts[1])
        if not len(before) or float(np.abs(before).max()) < 0.01:
            return
        if not len(after):
            self.say(f"{what}: nothing is heard")
            return
        late, alike = lag(before, after)
        if alike < 0.7:
            self.say(f"{what}: sounds otherwise ({alike:.2f})")
        elif abs(late) > _LAG_S:
            self.say(f"{what}: heard {late * 1000:.0f} ms late")
        more = (len(after) - len(before)) / 8000
        if abs(more) > 0.08:
            self.say(f"{what}: {more:+.3f} s longer")

    def _file(self) -> None:
        """Chapters and tags of the file."""
        old, new = self.old.about, self.new.about
        if not self.cut:
            a, b = (
                [(round(float(c["start_time"]), 2), tag(c, "title")) for c in f.get("chapters", [])]
                for f in (old, new)
            )
            # FFmpeg's muxer of Matroska moves streams without their chapters.
            room = 0.011 + float(self.shift if self.case.suffix == ".mkv" else 0)
            moved = [(round(t + float(self.shift - self.old.origin), 2), n) for t, n in a]
            if [n for _, n in moved] != [n for _, n in b] or any(
                abs(p[0] - q[0]) > room for p, q in zip(moved, b, strict=False)
            ):
                self.say(f"chapters {b} in place of {moved}")
        if self.case.options.get("strip_metadata"):
            return
        for name in ("title", "artist", "comment", "genre"):
            a, b = (tag(f.get("format", {}), name) for f in (old, new))
            if a and a != b:
                self.say(f"tag {name} '{b}' in place of '{a}'")
