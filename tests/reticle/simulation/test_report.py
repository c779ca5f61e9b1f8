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
    lines = report.effort([[*first, {"event": "model"}, *then]])
    assert lines[2:] == [
        "| 1 to 10 | 0 | - | - | - | - | 10 | 8.0 | 400 |",
        "| 11 to 13 | 2 | 1.5 | 9.0 | 15 | 500 | 1 | 0.0 | 0 |",
    ]


def test_of_several_draws_the_range_of_their_means_is_told() -> None:
    draws = [
        [case(suggested=True, strokes=strokes, changed=100) for _ in range(count)]
        for strokes, count in ((2, 10), (8, 5))
    ]
    assert report.effort(draws)[2:] == [
        "| 1 to 10 | 15 | 4.0 (2.0 to 8.0) | 9.0 (9.0 to 9.0) | 100 (100 to 100) |"
        " 500 (500 to 500) | 0 | - | - |"
    ]
