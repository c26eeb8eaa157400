"""The parts of a report that show pictures."""

from __future__ import annotations

import math

from crispen.errors import InputError
from crispen.evaluate.findings import Findings, Shown
from crispen.evaluate.report.html_page import data_url, escape, picture_url
from crispen.evaluate.report.report_parts import Report
from crispen.evaluate.report.run_facts import degradation_text
from crispen.evaluate.report.score_page import picture_table
from crispen.evaluate.report.score_tables import means_table, note
from crispen.evaluate.report.slider import slider
from crispen.evaluate.run_folders import Run, Sample
from crispen.media.image import read_image

_SHEETS = 4
# Larger sheets are stored as WebP.
_SHEET_BYTES = 400_000


def pictures_section(report: Report) -> str:
    """Scores of the exported models, and sliders of the worst and best pictures."""
    parts = []
    for i, run in enumerate(report.runs):
        heading = f"<h3>{escape(report.label(run))}</h3>" if len(report.runs) > 1 else ""
        findings = report.findings.get(run.id)
        if findings:
            parts.append(heading + _found(findings, f"r{i}"))
        elif run.id in report.missing:
            parts.append(f"{heading}<p>{escape(report.missing[run.id])}</p>")
    return "".join(parts)


def _found(findings: Findings, prefix: str) -> str:
    engine = f" The model ran in {escape(findings.precision)}." if findings.precision else ""
    parts = [
        f"<p>The exported model on {escape(findings.data)}.{engine}</p>",
        means_table(findings.scores),
        f"<p>{escape(note(findings.scores))}</p>",
    ]
    if len(findings.scores[0].pictures) <= 12:
        parts.append(picture_table(findings.scores))
    else:
        parts.append(
            f"<details><summary>All {len(findings.scores[0].pictures)} pictures</summary>"
            f"{picture_table(findings.scores)}</details>"
        )
    parts += [_shown(one, f"{prefix}-{i}-") for i, one in enumerate(findings.shown)]
    return "\n".join(parts)


def _shown(one: Shown, prefix: str) -> str:
    gain = ""
    if math.isfinite(one.gain):
        kind, sign = ("good", "+") if one.gain >= 0 else ("bad", "−")
        gain = f' (<span class="{kind}">{sign}{abs(one.gain):.2f} dB</span>)'
    part = " The part with the largest error is shown." if one.part else ""
    return (
        f"<h3>{one.place.capitalize()}: {escape(one.picture)}, {one.psnr:.2f} dB{gain}</h3>"
        f'<p class="note">The small views are the places farthest from the reference.{part}</p>'
        + slider(one.comparison, prefix=prefix, share=0.62, alone=False)
    )


def degradation_section(report: Report) -> str:
    """Pictures beside their degraded versions; once for runs that degrade alike."""
    parts, seen = [], set()
    for run in report.runs:
        findings = report.findings.get(run.id)
        if not findings or not findings.degraded:
            continue
        words = _words(run, findings)
        if words in seen:
            continue
        seen.add(words)
        figures = []
        for name, good, bad in findings.degraded:
            pair = ((good, "as it is"), (bad, "what the network is given"))
            figures += [
                f'<figure><img class="pixels" alt="{escape(name)}, {what}" '
                f'src="{picture_url(pixels)}"><figcaption><b>{escape(name)}</b> {what}'
                "</figcaption></figure>"
                for pixels, what in pair
            ]
        parts.append(f'<p>{escape(words)}</p><div class="pictures">{"".join(figures)}</div>')
    return "".join(parts)


def _words(run: Run, findings: Findings) -> str:
    if findings.scores[0].degradation:
        return f"The recipe's own degradation: {degradation_text(run)}."
    if run.scale > 1:
        return f"Bicubic shrinking by {run.scale}, as in the literature; shown enlarged by pixel."
    return "Pairs of pictures, unchanged."


def samples_section(report: Report) -> str:
    """Sample sheets, from the first to the last."""
    parts = []
    for run in report.runs:
        sheets = [_sheet(sample) for sample in _spread(run.samples)]
        shown = [sheet for sheet in sheets if sheet]
        if shown:
            heading = f"<h3>{escape(report.label(run))}</h3>" if len(report.runs) > 1 else ""
            parts.append(f'{heading}<div class="sheets">{"".join(shown)}</div>')
    if not parts:
        return ""
    return (
        "<p>The same pictures at different steps: input, output, target, and their difference."
        "</p>" + "".join(parts)
    )


def _spread(samples: tuple[Sample, ...]) -> list[Sample]:
    if len(samples) <= _SHEETS:
        return list(samples)
    last = len(samples) - 1
    return [samples[round(last * i / (_SHEETS - 1))] for i in range(_SHEETS)]


def _sheet(sample: Sample) -> str:
    try:
        content = sample.file.read_bytes()
        pixels = read_image(content).as_rgb8()
    except (OSError, InputError):
        # It is still being written.
        return ""
    small = len(content) <= _SHEET_BYTES
    url = data_url(content, "image/png") if small else picture_url(pixels, "webp")
    epoch = f", epoch {sample.epoch:g}" if sample.epoch is not None else ""
    title = f"step {sample.step:,}{epoch}"
    return (
        f'<figure><img alt="Sample sheet, {title}" src="{url}">'
        f"<figcaption><b>{title}</b></figcaption></figure>"
    )
