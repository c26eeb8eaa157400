"""A model's card as a page for people, generated from the `ModelCard`."""

from __future__ import annotations

from crispen.models.card import ModelCard, Training


def card_page(card: ModelCard) -> str:
    """Markdown: the model's description, its scores and the origin of its weights."""
    rows = [
        ("task", card.task),
        ("scale", f"x{card.scale}" if card.scale > 1 else "the size stays; takes `--strength`"),
        ("operates on", _colors(card)),
        ("network", card.architecture),
        ("parameters", f"{card.parameters:,}"),
        ("tiles", _tiles(card)),
        ("licence of the weights", card.licence),
        *_origin(card.training),
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
        "| data | degradation | PSNR | SSIM | the degraded input |",
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


def _colors(card: ModelCard) -> str:
    if card.color == "rgb":
        return "RGB"
    return "luma (Y'); chroma " + ("is enlarged bicubically" if card.scale > 1 else "stays")


def _origin(training: Training) -> list[tuple[str, str]]:
    """Origin of the weights, if known."""
    if not training.recipe:
        return [("training", "unknown")]
    minutes = training.wall_time_s / 60
    return [
        ("recipe", f"`{training.recipe}` (`crispen train {training.recipe}`)"),
        ("steps", f"{training.steps:,}, seed {training.seed}, loss {training.loss}"),
        *([("checkpoint", training.kept)] if training.kept else []),
        ("started from", training.started_from or "random weights"),
        *_teacher(training),
        ("data", f"{training.data}, manifest SHA-256 `{training.data_sha256}`"),
        ("licences of the data", training.data_licences),
        ("hardware", f"{training.hardware}, {minutes:.0f} minutes"),
        *([("exported by", f"Crispen {training.crispen}")] if training.crispen else []),
    ]


def _teacher(training: Training) -> list[tuple[str, str]]:
    if not training.teacher:
        return []
    return [
        ("learned to answer like", training.teacher),
        ("licence of that network", training.teacher_licence or "not stated"),
    ]


def _tiles(card: ModelCard) -> str:
    """How the network is run on a picture larger than one window."""
    window = f"windows of {card.window_px}x{card.window_px} pixels, " if card.window_px else ""
    if card.stride_px is not None:
        return f"{window}averaged at a stride of {card.stride_px} pixels"
    if window:
        return f"{window}blended"
    grid = f", on a grid of {card.multiple}" if card.multiple > 1 else ""
    if card.halo is None:
        return f"blended, since its receptive field has no limit{grid}"
    return f"exact with a halo of {card.halo} pixels{grid}"
