"""The table and the picture at the end of a simulation."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

TEN = 10
EFFORT = ("strokes", "strokes_alone", "changed", "changed_alone")
Rows = Sequence[dict[str, Any]]


def mean(values: Sequence[float]) -> float | None:
    """Return the mean, or None of nothing."""
    return sum(values) / len(values) if values else None


def _show(value: float | None, digits: int = 3) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def summary(events: Rows, champions: Rows, duplicates: int, seconds: float) -> dict[str, Any]:
    """Return the last JSON line: labels, champions, Dice first and last, effort, duplicates."""
    cases = [row for row in events if row["event"] == "submit"]
    dice = [row["mean_dice"] for row in champions]
    return {
        "labels": len(cases),
        "champions": len(champions),
        "dice_first": dice[0] if dice else None,
        "dice_last": dice[-1] if dice else None,
        "duplicates": duplicates,
        "effort_first_decile": mean([row["seconds"] for row in cases[:TEN]]),
        "effort_last_decile": mean([row["seconds"] for row in cases[-TEN:]]),
        "seconds": round(seconds, 1),
    }


def table(events: Rows, champions: Rows, baseline: dict[str, Any], found: dict[str, Any]) -> str:
    """Return the result as a Markdown table with what it was measured on."""
    names = sorted({name for row in champions for name in row["classes"]})
    lines = [
        "| champion | labels | mean Dice | " + " | ".join(names) + " | "
        + " | ".join(f"{name} sensitivity" for name in names) + " |",
        "|" + "---|" * (3 + 2 * len(names)),
    ]  # fmt: skip
    for row in champions:
        lines.append(_model_line(f"v{row['number']}", str(row["labels"]), row, names))
    lines.append(_model_line("two thresholds", "", baseline, names))
    with_help = [row for row in events if row["event"] == "submit" and row["suggested"]]
    without = [row for row in events if row["event"] == "submit" and not row["suggested"]]
    saved = [1 - row["seconds"] / row["seconds_alone"] for row in with_help]
    ranks = [row["rank"] for row in events if row["event"] == "submit" and row["rank"]]
    lines += [
        "",
        f"- labels: {found['labels']}, tasks served beyond the plan: {found['duplicates']}",
        f"- modelled seconds a case: {_show(found['effort_first_decile'], 1)} in the first ten, "
        f"{_show(found['effort_last_decile'], 1)} in the last ten",
        f"- with a suggestion ({len(with_help)} cases): "
        f"{_show(mean([row['seconds'] for row in with_help]), 1)} s, "
        f"{_show(mean([row['changed'] for row in with_help]), 0)} pixels changed, "
        f"{_show(mean(saved), 2)} of the time saved against an empty mask; "
        f"without ({len(without)}): {_show(mean([row['seconds'] for row in without]), 1)} s, "
        f"{_show(mean([row['changed'] for row in without]), 0)} pixels",
        f"- rank served: highest {max(ranks, default=0)}, mean {_show(mean(ranks), 2)}",
        f"- wall clock: {found['seconds']} s",
        "",
        *effort([events]),
    ]
    return "\n".join(lines)


def effort(draws: Sequence[Rows]) -> list[str]:
    """Return a table of what readers corrected, by tens of labels: means per case of all draws.

    With several draws the range of their own means stands behind each. "from empty" is what the
    same cases, which came with a suggestion, take without it.
    """
    tens = [_tens(events) for events in draws]
    lines = [
        "| labels | with a suggestion | strokes | from empty | pixels | from empty "
        "| without one | strokes | pixels |",
        "|" + "---|" * 9,
    ]
    for place in range(max(map(len, tens), default=0)):
        parts = [own[place] for own in tens if place < len(own)]
        helped, alone = (
            [[row for row in part if row["suggested"] is wanted] for part in parts]
            for wanted in (True, False)
        )
        cells = [
            f"{TEN * place + 1} to {TEN * place + max(map(len, parts))}",
            str(sum(map(len, helped))),
            *(_spread(helped, name) for name in EFFORT),
            str(sum(map(len, alone))),
            *(_spread(alone, name) for name in ("strokes", "changed")),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def _tens(events: Rows) -> list[Rows]:
    """Return the labels of a draw in tens."""
    cases = [row for row in events if row.get("event") == "submit"]
    return [cases[start : start + TEN] for start in range(0, len(cases), TEN)]


def _spread(parts: Sequence[Rows], name: str) -> str:
    """Return the mean over all cases, and the range of the draws' means where there are several."""
    digits = 1 if "strokes" in name else 0
    whole = _show(mean([row[name] for part in parts for row in part]), digits)
    each = [value for part in parts if (value := mean([row[name] for row in part])) is not None]
    if len(each) < 2:
        return whole
    return f"{whole} ({_show(min(each), digits)} to {_show(max(each), digits)})"


def _model_line(name: str, labels: str, row: dict[str, Any], names: Sequence[str]) -> str:
    classes = row["classes"]
    dice = [_show(classes.get(part, {}).get("dice")) for part in names]
    found = [_show(classes.get(part, {}).get("sensitivity")) for part in names]
    cells = [name, labels, _show(row["mean_dice"]), *dice, *found]
    return "| " + " | ".join(cells) + " |"


def curve(champions: Rows, baseline: dict[str, Any], path: Path) -> None:
    """Draw Dice against labels, every champion on the same held-out images, as PNG."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 4.2))
    labels = [row["labels"] for row in champions]
    for name in sorted({name for row in champions for name in row["classes"]}):
        values = [row["classes"].get(name, {}) for row in champions]
        middle = [_gap(value.get("dice")) for value in values]
        (line,) = axes.plot(labels, middle, marker="o", label=name)
        low = [_gap(value.get("low")) for value in values]
        high = [_gap(value.get("high")) for value in values]
        axes.fill_between(labels, low, high, alpha=0.15, color=line.get_color())
        if (other := baseline["classes"].get(name, {}).get("dice")) is not None:
            axes.axhline(other, color=line.get_color(), linestyle=":", linewidth=1)
    axes.set(xlabel="settled training labels", ylabel="Dice on held-out patients", ylim=(0, 1))
    axes.legend(title="band: 95 % over patients\ndotted: two thresholds", fontsize=8)
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    pyplot.close(figure)


def _gap(value: float | None) -> float:
    return float("nan") if value is None else value
