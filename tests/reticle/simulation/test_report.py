"""The table at the end of a simulation."""

from typing import Any

from reticle.simulation import report


def case(*, suggested: bool, strokes: int, changed: int) -> dict[str, Any]:
    return {
        "event": "submit", "suggested": suggested, "strokes": strokes, "changed": changed,
        "strokes_alone": 9, "changed_alone": 500,
    }  # fmt: skip


def test_what_readers_correct_is_told_by_tens_with_and_without_suggestions() -> None:
    first = [case(suggested=False, strokes=8, changed=400) for _ in range(10)]
    then = [case(suggested=n > 0, strokes=n, changed=10 * n) for n in range(3)]
    lines = report.effort([*first, {"event": "model"}, *then])
    assert lines[2:] == [
        "| 1 to 10 | 0 | - | - | - | - | 10 | 8.0 | 400 |",
        "| 11 to 13 | 2 | 1.5 | 9.0 | 15 | 500 | 1 | 0.0 | 0 |",
    ]
