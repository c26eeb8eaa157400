"""A model's card as a page for people, generated from the `ModelCard`."""

from __future__ import annotations

from crispen.models.card import ModelCard


def card_page(card: ModelCard) -> str:
    """Markdown: what the model is, what it scored, where its weights come from."""
    training = card.training
    minutes = training.wall_time_s / 60
    rows = [
        ("task", card.task),
        ("scale", f"x{card.scale}"),
        ("sees", "luma (Y'); chroma is enlarged bicubically" if card.color == "luma" else "RGB"),
        ("network", card.architecture),
        ("parameters", f"{card.parameters:,}"),
        ("halo", f"{card.halo} pixels" if card.halo is not None else "none: tiles are blended"),
        ("licence of the weights", card.licence),
        ("recipe", f"`{training.recipe}` (`crispen train {training.recipe}`)"),
        ("steps", f"{training.steps:,}, seed {training.seed}, loss {training.loss}"),
        ("started from", training.started_from or "random weights"),
        ("data", f"{training.data}, manifest SHA-256 `{training.data_sha256}`"),
        ("licences of the data", training.data_licences),
        ("hardware", f"{training.hardware}, {minutes:.0f} minutes"),
        ("speed", card.speed or "see `make bench`"),
    ]
    lines = [f"# {card.name}", "", card.summary, "", "| | |", "| --- | --- |"]
    lines += [f"| {name} | {value} |" for name, value in rows]
    if card.results:
        lines += ["", *(_upscaled(card) if card.scale > 1 else _restored(card))]
    return "\n".join(lines) + "\n"


def _upscaled(card: ModelCard) -> list[str]:
    lines = [
        "Measured on luma (BT.601 studio swing), 8-bit rounding, a border of the scale shaved, "
        "MATLAB-equal bicubic LR:",
        "",
        "| data | PSNR | SSIM | bicubic |",
        "| --- | --- | --- | --- |",
    ]
    for r in card.results:
        data = f"{r.data}, {r.degradation}" if r.degradation else r.data
        lines.append(f"| {data} | {r.psnr:.2f} dB | {r.ssim:.4f} | {_decibels(r.bicubic_psnr)} |")
    return lines


def _restored(card: ModelCard) -> list[str]:
    lines = [
        "Measured on luma (BT.601 studio swing), 8-bit rounding:",
        "",
        "| data | degradation | PSNR | SSIM | the bad picture itself |",
        "| --- | --- | --- | --- | --- |",
    ]
    for r in card.results:
        lines.append(
            f"| {r.data} | {r.degradation} | {r.psnr:.2f} dB | {r.ssim:.4f} "
            f"| {_decibels(r.input_psnr)} |"
        )
    return lines


def _decibels(psnr: float | None) -> str:
    return "–" if psnr is None else f"{psnr:.2f} dB"
