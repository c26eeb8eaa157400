"""The page of two clips: frames are stepped through, and both are shown in step."""

from __future__ import annotations

import csv
import shutil
import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from crispen.evaluate.clip_comparison import compare_clips


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="FFmpeg's command line makes the clips")
def test_frames_are_stepped_through(browser: Browser, tmp_path: Path) -> None:
    clips = [tmp_path / "a.mp4", tmp_path / "b.mp4"]
    for clip, crf in zip(clips, (40, 10), strict=True):
        source = ("-f", "lavfi", "-i", "testsrc2=s=96x64:r=25:d=0.4", "-c:v", "libx264")
        command = ["ffmpeg", "-nostdin", "-v", "error", *source, "-crf", str(crf), str(clip)]
        subprocess.run(command, check=True)
    compare_clips(clips[0], clips[1], tmp_path / "both.html", log=tmp_path / "frames.csv")
    with (tmp_path / "frames.csv").open() as file:
        rows = list(csv.DictReader(file))
    page = browser.new_page()
    said: list[str] = []
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("console", lambda message: said.append(message.text))
    page.goto((tmp_path / "both.html").as_uri())
    told = page.locator(".clips output")
    for number in range(4):
        row = rows[number]
        expect(told).to_contain_text(f"frame {number}, {float(row['time_s']):.3f} s")
        expect(told).to_contain_text(f"{float(row['psnr_db']):.2f} dB")
        page.get_by_role("button", name="One frame forward").click()
    line = page.get_by_role("slider", name="Line between the clips")
    line.press("ArrowRight")
    expect(line).to_have_attribute("aria-valuenow", "52")
    page.close()
    assert said == []
