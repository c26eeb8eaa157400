"""What ``make demo`` runs: enhances a photo and a clip, and shows them beside bicubic.

The true large versions are known, so it can report how many decibels closer each result is.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import av

from crispen.evaluate.compare import compare
from crispen.media.image import Image, read_image, write_image
from crispen.media.resample import downscale

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "docs/demo"
TARGET = ROOT / "demo"
FRAME = 40  # the frame that clip-frame.png shows in full size


def crispen(*arguments: str) -> None:
    """Runs a command as a user would."""
    print(f"\n$ crispen {' '.join(arguments)}", flush=True)
    subprocess.run([sys.executable, "-m", "crispen", *arguments], check=True, cwd=TARGET)


def frame_of(clip: Path, index: int, target: Path) -> None:
    """Saves one frame of a clip."""
    with av.open(str(clip)) as container:
        for number, frame in enumerate(container.decode(video=0)):
            if number == index:
                write_image(Image(frame.to_ndarray(format="rgb24")), target, overwrite=True)
                return
    raise SystemExit(f"{clip}: has no frame {index}")


def main() -> None:
    """Makes everything in ``demo/``."""
    TARGET.mkdir(exist_ok=True)
    reference = SOURCE / "photo.png"
    small = downscale(read_image(reference).as_rgb8(), 2)
    write_image(Image(small), TARGET / "photo.png", overwrite=True)
    (TARGET / "clip.mp4").write_bytes((SOURCE / "clip.mp4").read_bytes())

    crispen("enhance", "photo.png", "-o", "photo.x2.png", "--overwrite")
    crispen("enhance", "clip.mp4", "-o", "clip.x2.mp4", "--overwrite")
    frame_of(TARGET / "clip.mp4", FRAME, TARGET / "clip-frame.png")
    frame_of(TARGET / "clip.x2.mp4", FRAME, TARGET / "clip-frame.x2.png")
    for name, true in (("photo", reference), ("clip-frame", SOURCE / "clip-frame.png")):
        sheet = "before-after.png" if name == "photo" else "clip-before-after.png"
        pictures = (f"{name}.png", f"{name}.x2.png", "--reference", str(true))
        crispen("compare", *pictures, "-o", sheet, "--overwrite")
    crispen(
        *("compare", "photo.png", "photo.x2.png", "--reference", str(reference)),
        *("-o", "before-after.html", "--overwrite"),
    )

    print("\nIn demo/ now:")
    for name, what in (
        ("photo.png", "the photo, 256x256"),
        ("photo.x2.png", "the same, 512x512, by crispen"),
        ("clip.mp4", "the clip, 320x180"),
        ("clip.x2.mp4", "the same, 640x360, by crispen"),
        ("before-after.png", "the photo beside bicubic and the original"),
        ("before-after.html", "the same with a slider: open it in a browser"),
        ("clip-before-after.png", "a frame of the clip likewise"),
    ):
        print(f"  {name:<22} {what}")
    for name, true in (("photo", reference), ("clip-frame", SOURCE / "clip-frame.png")):
        shown = compare(TARGET / f"{name}.png", TARGET / f"{name}.x2.png", true, windows=0)
        before, after = shown.panels[0], shown.panels[1]
        print(f"{name}: {before.note} - with crispen {after.note}")


if __name__ == "__main__":
    main()
