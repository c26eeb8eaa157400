"""The parts of a report that say what was done, so that it can be repeated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from crispen.evaluate.report.html_page import escape
from crispen.evaluate.report.report_parts import Report
from crispen.evaluate.run_folders import Run

if TYPE_CHECKING:
    from crispen.models.card import ModelCard


def recipe_section(report: Report) -> str:
    """Each recipe, in short and in full."""
    parts = []
    for run in report.runs:
        if not run.recipe_text:
            continue
        heading = f"<h3>{escape(report.label(run))}</h3>" if len(report.runs) > 1 else ""
        parts.append(
            f"{heading}{_list(_recipe_facts(run))}"
            "<details><summary>recipe.toml, every value</summary>"
            f"<pre><code>{escape(run.recipe_text)}</code></pre></details>"
        )
    return "".join(parts)


def _recipe_facts(run: Run) -> list[tuple[str, str]]:
    recipe = run.recipe
    train = _table(recipe, "train")
    data = _table(recipe, "data")
    facts = [
        ("network", _arguments(_table(recipe, "network"))),
        ("degradation", degradation_text(run)),
        ("loss", " + ".join(_arguments(t) for t in _tables(recipe, "loss"))),
        ("adversarial", _arguments(_table(recipe, "adversarial"))),
        ("data", " ".join(str(data.get(k)) for k in ("kind", "path") if data.get(k))),
        ("colour", str(data.get("color") or "")),
        ("crops", _crops(data)),
        ("optimiser", _optimiser(train)),
    ]
    return [(name, text) for name, text in facts if text]


def degradation_text(run: Run) -> str:
    """How a recipe degrades its pictures, in order; empty if it does not."""
    return "; ".join(_arguments(t) for t in _tables(run.recipe, "degradation"))


def _crops(data: Mapping[str, Any]) -> str:
    if not data.get("patch"):
        return ""
    return f"{data['patch']}×{data['patch']} px, {data.get('batch', '?')} a step"


def _optimiser(train: Mapping[str, Any]) -> str:
    parts = [
        str(train.get("optimizer") or ""),
        f"learning rate {train['learning_rate']:g}" if "learning_rate" in train else "",
        str(train.get("schedule") or ""),
        f"{train['steps']:,} steps" if train.get("steps") else "",
    ]
    return ", ".join(part for part in parts if part)


def _table(recipe: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = recipe.get(key)
    return value if isinstance(value, Mapping) else {}


def _tables(recipe: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    value = recipe.get(key)
    return [t for t in value if isinstance(t, Mapping)] if isinstance(value, list) else []


def _arguments(table: Mapping[str, Any]) -> str:
    """``plain (width 48, depth 12)``."""
    kind = str(table.get("kind") or table.get("loss") or "")
    rest = [
        f"{name} {_value(value)}"
        for name, value in table.items()
        if name not in ("kind", "clip") and value not in ("", None, [], {}) and value != 1.0
    ]
    return f"{kind} ({', '.join(rest)})" if kind and rest else kind


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return _arguments(value)
    if isinstance(value, list) and value and isinstance(value[0], Mapping):
        return "[" + "; ".join(_value(part) for part in value) + "]"
    if isinstance(value, list):
        ends = list(dict.fromkeys(_value(v) for v in value))
        return "–".join(ends) if len(value) == 2 else ", ".join(ends)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def card_section(report: Report) -> str:
    """The cards of the exported models."""
    parts = []
    for run in report.runs:
        findings = report.findings.get(run.id)
        if findings:
            parts.append(f"<h3>{escape(findings.card.name)}</h3>{_card(findings.card)}")
    return "".join(parts)


def _card(card: ModelCard) -> str:
    training = card.training
    halo = f"{card.halo} pixels" if card.halo is not None else "none: tiles are blended"
    facts = [
        ("summary", card.summary),
        ("task", card.task + (f" ×{card.scale}" if card.scale > 1 else "")),
        (
            "operates on",
            "luma (Y'); chroma is interpolated" if card.color == "luma" else "RGB",
        ),
        ("network", card.architecture),
        ("parameters", f"{card.parameters:,}"),
        ("halo", halo),
        ("speed", card.speed),
        ("licence of the weights", card.licence),
        ("data", training.data),
        ("licences of the data", training.data_licences),
        ("started from", training.started_from),
    ]
    return _list([(name, text) for name, text in facts if text])


def provenance_section(report: Report) -> str:
    """Command, versions, machine, data and seed of each run."""
    parts = []
    for run in report.runs:
        heading = f"<h3>{escape(report.label(run))}</h3>" if len(report.runs) > 1 else ""
        parts.append(heading + _list(_provenance(run)))
    return "".join(parts)


def _provenance(run: Run) -> list[tuple[str, str]]:
    facts = [
        ("command", run.command),
        ("commit", run.commit),
        ("versions", ", ".join(f"{name} {v}" for name, v in run.versions.items())),
        ("machine", run.device),
        ("wall time", duration(run.wall_time_s)),
        ("started", run.started),
        ("seed", "" if run.seed is None else str(run.seed)),
        ("data", str(run.data.get("description") or "")),
        ("SHA-256 of the data", str(run.data.get("digest") or "")),
        ("licences of the data", str(run.data.get("licence") or "")),
        ("best checkpoint", f"step {run.best['step']:,.0f}" if "step" in run.best else ""),
        ("folder", str(run.folder)),
    ]
    return [(name, text) for name, text in facts if text]


def _list(facts: list[tuple[str, str]]) -> str:
    items = "".join(f"<dt>{escape(a)}</dt><dd>{escape(b)}</dd>" for a, b in facts)
    return f"<dl>{items}</dl>"


def duration(seconds: float) -> str:
    """A duration for people.

    >>> duration(42), duration(312), duration(7500)
    ('42 s', '5 min 12 s', '2 h 5 min')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
