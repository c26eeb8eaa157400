"""The report of a search as one page that needs nothing else."""

from __future__ import annotations

from crispen.evaluate.report.charts import Series, line_chart, number, scatter_chart
from crispen.evaluate.report.html_page import escape, make_report_page
from crispen.evaluate.report.run_facts import duration
from crispen.evaluate.report.run_report import written
from crispen.evaluate.report.score_tables import html_table
from crispen.lab.recipe import recipe_text
from crispen.lab.search.outcome import BEST_RECIPE, SearchOutcome, TrialOutcome
from crispen.lab.search.ranges import Choices, NumberRange, Range

# Each line of the chart has its own colour and dashes, of which there are this many pairs.
_MOST_CURVES = 24
_DASH = "–"


def search_page(outcome: SearchOutcome) -> str:
    """The page: the best values, all trials, their curves, each value against the figure."""
    title = f"Search: {outcome.recipe.name}"
    sections = {
        "trials": ("Trials", _trials(outcome)),
        "values": ("Value against figure", _scatter(outcome)),
        "curves": ("Curves", _curves(outcome)),
        "recipe": ("Best recipe", _recipe(outcome)),
    }
    return make_report_page(title, _lead(outcome, title), sections)


def values_text(trial: TrialOutcome) -> str:
    """What a trial tried, for people: ``train.learning_rate = 0.000342, network.depth = 4``."""
    return ", ".join(f"{key} = {_value(value)}" for key, value in trial.values.items())


def _value(value: float | str) -> str:
    return value if isinstance(value, str) else number(value)


def _lead(outcome: SearchOutcome, title: str) -> str:
    states = [trial.state for trial in outcome.trials]
    counts = [f"{states.count(state)} {state}" for state in dict.fromkeys(states)]
    better = "highest" if outcome.recipe.validation.larger_is_better else "lowest"
    ranges = "".join(f"<li>{escape(one)}</li>" for one in outcome.ranges)
    best = outcome.best
    tiles = ""
    if best is not None and best.value is not None:
        facts = [
            (written(outcome.monitor, best.value), f"{outcome.monitor}, trial {best.number}"),
            *((_value(value), key) for key, value in best.values.items()),
        ]
        items = "".join(f"<li><b>{escape(a)}</b><span>{escape(b)}</span></li>" for a, b in facts)
        tiles = f'<ul class="tiles">{items}</ul>'
    return (
        f'<header class="lead"><h1>{escape(title)}</h1>'
        f"<p>{len(states)} trials ({escape(', '.join(counts))}); the {better} "
        f"{escape(outcome.monitor)} in validation is best.</p></header>{tiles}<ul>{ranges}</ul>"
    )


def _trials(outcome: SearchOutcome) -> str:
    if not outcome.trials:
        return ""
    keys = [one.key for one in outcome.ranges]
    best = outcome.best
    body = []
    for trial in outcome.ranked():
        kind = {"done": "good", "failed": "bad"}.get(trial.state, "")
        values = [trial.values.get(key) for key in keys]
        mark = "*" if trial is best else ""
        body.append(
            [
                str(trial.number),
                f'<span class="chip {kind}">{trial.state}</span> {escape(trial.error)}',
                *(_DASH if v is None else escape(_value(v)) for v in values),
                _DASH if trial.value is None else f"{mark}{written(outcome.monitor, trial.value)}",
                f"{trial.run.step:,}" if trial.run else _DASH,
                duration(trial.run.wall_time_s) if trial.run else _DASH,
            ]
        )
    head = ["trial", "state", *map(escape, keys), escape(outcome.monitor), "steps", "time"]
    return html_table(head, body, caption="Best first; a pruned trial has its last figure")


def _scatter(outcome: SearchOutcome) -> str:
    charts = [_against(outcome, one) for one in outcome.ranges]
    drawn = "".join(chart for chart in charts if chart)
    return f'<div class="charts">{drawn}</div>' if drawn else ""


def _against(outcome: SearchOutcome, one: Range) -> str:
    """Complete trials only: a pruned one would have become better."""
    points = []
    for trial in outcome.trials:
        value = trial.values.get(one.key)
        if trial.state != "done" or trial.value is None or value is None:
            continue
        x = one.values.index(str(value)) if isinstance(one, Choices) else float(value)
        points.append((x, trial.value))
    return scatter_chart(
        points,
        title=one.key,
        x_label=one.key,
        y_label=outcome.monitor,
        x_log=isinstance(one, NumberRange) and one.logarithmic,
        names=one.values if isinstance(one, Choices) else (),
    )


def _curves(outcome: SearchOutcome) -> str:
    drawn = [trial for trial in outcome.ranked() if trial.run is not None][:_MOST_CURVES]
    charts = [
        line_chart(
            [
                Series(f"trial {trial.number}", trial.run.log.curve(column), i, i // 6)
                for i, trial in enumerate(drawn)
                if trial.run is not None
            ],
            title=title,
            x_label="step",
            y_label=unit,
        )
        for column, title, unit in (
            (f"val_{outcome.monitor}", f"{outcome.monitor} in validation", outcome.monitor),
            ("loss", "Loss in training", "loss"),
        )
    ]
    if not any(charts):
        return ""
    left_out = len(outcome.trials) - len(drawn)
    note = f"<p>The best {len(drawn)} of {len(outcome.trials)} trials.</p>" if left_out else ""
    return (
        f'<div class="charts">{"".join(charts)}</div>{note}'
        '<p class="help">Point at a curve, or focus it and use <kbd>←</kbd> <kbd>→</kbd>, to read '
        "its values.</p>"
    )


def _recipe(outcome: SearchOutcome) -> str:
    best = outcome.best
    if outcome.best_recipe is None or best is None:
        return ""
    where = outcome.folder / BEST_RECIPE
    return (
        f"<p>Trial {best.number}; train it again with <code>crispen train {escape(where)}</code>, "
        f"or use what it trained: <code>crispen export {escape(best.folder)}</code></p>"
        f"<pre><code>{escape(recipe_text(outcome.best_recipe))}</code></pre>"
    )
