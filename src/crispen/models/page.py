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
        lines += [
            "",
            "Measured on luma (BT.601 studio swing), 8-bit rounding, a border of the scale shaved, "
            "MATLAB-equal bicubic LR:",
            "",
            "| data | PSNR | SSIM | bicubic |",
            "| --- | --- | --- | --- |",
        ]
        for r in card.results:
            bicubic = f"{r.bicubic_psnr:.2f} dB" if r.bicubic_psnr is not None else "–"
            lines.append(f"| {r.data} | {r.psnr:.2f} dB | {r.ssim:.4f} | {bicubic} |")
    return "\n".join(lines) + "\n"
