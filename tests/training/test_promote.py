"""The rule of promotion, on reports whose numbers are known."""

from typing import Any

import numpy as np
import pytest
from scipy import stats

from training import paired
from training.compare import difference
from training.figures import ENOUGH_CASES
from training.promote import Decision, decide, finite, majority_dice
from training.reasons import Reason, run_reason


def report(grey: list[float], lesion: list[float | None] = []) -> dict[str, Any]:  # noqa: B006
    """One case a patient; a lesion value of None is a patient without lesion."""
    rows, patients = [], {}
    for number, value in enumerate(grey):
        found = lesion[number] if number < len(lesion) else None
        classes = {
            "grey": {"tp": 10, "fp": 0, "fn": 1, "dice": value},
            "lesion": {"tp": 0, "fp": 0, "fn": 0 if found is None else 5, "dice": found},
        }
        rows.append({"id": str(number), "patient": f"P{number}", "classes": classes})
        patients[f"P{number}"] = {"grey": value, "lesion": found}
    shown = [value for value in lesion if value is not None]
    return {
        "cases": rows,
        "patients": patients,
        "classes": {
            "grey": {"dice": float(np.mean(grey))},
            "lesion": {"dice": float(np.mean(shown)) if shown else None},
        },
        "mean_dice": float(np.mean(grey)),
    }


def judge(candidate: dict[str, Any], champion: dict[str, Any] | None, **options: Any) -> Decision:
    values = {"floor": 0.3, "margin": 0.05, "minimum_cases": 4, **options}
    return decide(candidate, champion, **values)


def test_the_first_model_must_beat_the_majority_mask() -> None:
    assert judge(report([0.5] * 4), None).verdict == "promote"
    assert judge(report([0.2] * 4), None).verdict == "reject"


def test_a_better_model_is_promoted_and_a_worse_one_is_not() -> None:
    better = judge(report([0.8] * 4), report([0.7] * 4))
    assert better.verdict == "promote"
    assert better.difference == pytest.approx(0.1)
    assert better.cases == ["0", "1", "2", "3"]
    assert judge(report([0.6] * 4), report([0.7] * 4)).verdict == "reject"


def test_a_class_that_falls_beyond_its_margin_stops_a_better_mean() -> None:
    champion = report([0.5] * 6, [0.6] * 6)
    candidate = report([0.9] * 6, [0.4] * 6)
    found = judge(candidate, champion)
    assert found.verdict == "reject"
    fell = {"part": "lesion", "by": pytest.approx(0.2)}
    assert [why.values for why in found.reasons if why.code == "part_fell"] == [fell]


def test_a_subgroup_that_falls_beyond_its_margin_stops_a_better_mean() -> None:
    champion, candidate = report([0.5] * 9), report([0.9] * 6 + [0.3] * 3)
    south = {"P6", "P7", "P8"}
    assert judge(candidate, champion).verdict == "promote"
    found = judge(candidate, champion, subgroups={"site south": south, "site north": {"P0"}})
    assert found.verdict == "reject"
    fell = {"attribute": "site", "value": "south", "by": pytest.approx(0.2)}
    assert [why.values for why in found.reasons if why.code == "group_fell"] == [fell]
    few = {"site south": {"P7", "P8"}}
    assert judge(candidate, champion, subgroups=few).verdict == "promote", "two say too little"


def test_a_champion_from_before_a_class_was_added_is_compared_by_what_both_know() -> None:
    champion = report([0.7] * 4)
    for part in (champion["classes"], *champion["patients"].values()):
        part.pop("lesion")
    assert judge(report([0.8] * 4, [0.1] * 4), champion).verdict == "promote"
    assert judge(report([0.6] * 4, [0.9] * 4), champion).verdict == "reject"


def test_a_class_that_hardly_any_case_shows_does_not_decide() -> None:
    shown: list[float | None] = [0.6] * (ENOUGH_CASES - 1)
    lost: list[float | None] = [0.0] * (ENOUGH_CASES - 1)
    assert judge(report([0.9] * 6, lost), report([0.8] * 6, shown)).verdict == "promote"


def test_too_few_cases_and_numbers_that_are_none_leave_it_to_a_person() -> None:
    assert judge(report([0.9] * 3), None).verdict == "insufficient"
    nothing = report([0.9] * 4)
    nothing["classes"]["grey"]["dice"] = float("nan")
    assert judge(nothing, report([0.8] * 4)).verdict == "insufficient"


def test_models_measured_on_different_cases_are_not_compared() -> None:
    assert judge(report([0.9] * 5), report([0.8] * 4)).verdict == "insufficient"


def false_on(lesion: list[float | None], *patients: int) -> dict[str, Any]:
    """A report in which false lesions are drawn on these patients, who have none."""
    drawn = report([0.5] * len(lesion), lesion)
    for number in patients:
        drawn["cases"][number]["classes"]["lesion"].update(fp=5, dice=0.0)
        drawn["patients"][f"P{number}"]["lesion"] = 0.0
    values = [own["lesion"] for own in drawn["patients"].values() if own["lesion"] is not None]
    drawn["classes"]["lesion"]["dice"] = float(np.mean(values))
    return drawn


def with_grey(found: dict[str, Any], value: float) -> dict[str, Any]:
    for own in found["patients"].values():
        own["grey"] = value
    found["classes"]["grey"]["dice"] = value
    return found


HALF_WITH: list[float | None] = [0.6, 0.6, 0.6, 0.6, None, None]


def test_false_areas_of_the_candidate_alone_are_a_fall_of_their_class_and_subgroup() -> None:
    candidate = with_grey(false_on(HALF_WITH, 4, 5), 0.95)
    found = judge(candidate, report([0.5] * 6, HALF_WITH), subgroups={"site a": {"P0", "P4", "P5"}})
    assert found.verdict == "reject"
    assert found.classes == {"grey": pytest.approx(0.45), "lesion": pytest.approx(-2 / 6)}
    assert [why.code for why in found.reasons[1:]] == ["part_fell", "group_fell"]


def test_false_areas_of_the_champion_alone_count_in_difference_and_interval_alike() -> None:
    candidate = with_grey(report([0.5] * 6, [0.59, 0.59, 0.59, 0.59, None, None]), 0.49)
    found = judge(candidate, false_on(HALF_WITH, 4, 5))
    assert found.classes == {"grey": pytest.approx(-0.01), "lesion": pytest.approx(1.96 / 6)}
    assert found.difference == pytest.approx((-0.01 + 1.96 / 6) / 2)
    assert found.candidate is not None
    assert found.champion is not None
    assert found.difference == found.candidate - found.champion
    assert found.low is not None
    assert found.high is not None
    assert found.low <= found.difference <= found.high
    assert found.certainty is not None
    assert found.certainty > 0.5


def test_equal_reports_differ_by_nothing() -> None:
    same = false_on(HALF_WITH, 4)
    found = judge(same, same)
    numbers = (found.difference, found.low, found.high, found.certainty)
    assert (found.verdict, numbers) == ("promote", (0.0, 0.0, 0.0, 1.0))


def test_an_answer_that_one_model_alone_was_asked_for_is_filled_in_with_nothing() -> None:
    own, other = ({"questions": {}, "patients": {"P": {"q": value}}} for value in (0.5, None))
    assert paired.pairs(own, other, ["q"]) == {}
    assert paired.pairs(own, own, ["q"]) == {"q": {"P": (0.5, 0.5)}}


def test_the_interval_is_over_patients() -> None:
    found = judge(report([0.9, 0.5, 0.9, 0.5]), report([0.5, 0.5, 0.5, 0.5]))
    assert found.low is not None
    assert found.high is not None
    assert found.low <= 0.2 <= found.high
    assert found.high - found.low > 0.1


def test_of_two_patients_the_ends_are_theirs() -> None:
    """A quarter of the samples are of the first alone, a quarter of the second, half of both."""
    found = {"grey": {"A": (0.9, 0.5), "B": (0.5, 0.6)}}
    assert paired.interval(found) == pytest.approx((-0.1, 0.4))
    assert paired.certainty(found) == pytest.approx(3 / 4, abs=0.03)
    spread = np.std([0.4, 0.15, 0.15, -0.1])
    assert paired.standard_error(found) == pytest.approx(spread, rel=0.05)
    alone = {"grey": {"A": (0.9, 0.5)}}
    assert paired.interval(alone) == (None, None)
    assert paired.certainty(alone) is paired.standard_error(alone) is None


def test_the_intervals_of_the_gate_are_those_of_scipy() -> None:
    rng = np.random.default_rng(3)
    new, old = rng.uniform(0.6, 0.9, 9), rng.uniform(0.5, 0.9, 9)
    drawn = stats.bootstrap(
        (new - old,), np.mean, method="percentile", n_resamples=20_000, rng=np.random.default_rng(4)
    )
    low, high = drawn.confidence_interval
    found = judge(report(list(new)), report(list(old)))
    near = 0.15 * float(drawn.standard_error)  # an interval of 90 % would be off by twice that
    assert [found.low, found.high] == pytest.approx([low, high], abs=near)
    rising = (drawn.bootstrap_distribution >= 0).mean()
    assert 0.05 < rising < 0.95, "it would say nothing"
    assert found.certainty == pytest.approx(rising, abs=0.02)
    pairs = paired.pairs(report(list(new)), report(list(old)), ["grey"])
    assert paired.standard_error(pairs) == pytest.approx(drawn.standard_error, rel=0.05)
    row = difference(pairs)
    assert (row["difference"], row["patients"]) == (pytest.approx(np.mean(new - old)), 9)
    assert (row["low"], row["high"]) == (found.low, found.high)


def test_a_sample_without_a_class_is_judged_by_the_others() -> None:
    """Patient by patient through the same samples; of two classes some patients lack one."""
    new = report([0.81, 0.72, 0.63, 0.94, 0.55, 0.76], [0.61, None, 0.43, 0.74, None, None])
    old = report([0.73, 0.75, 0.52, 0.96, 0.45, 0.71], [0.52, 0.0, 0.57, None, None, None])
    # Who draws nothing where the other draws a false area agrees with the truth: 1.
    lesion = {0: 0.61 - 0.52, 1: 1.0 - 0.0, 2: 0.43 - 0.57, 3: 0.74 - 1.0}
    grey = {number: new["patients"][f"P{number}"]["grey"] - old["patients"][f"P{number}"]["grey"]
            for number in range(6)}  # fmt: skip
    expected = np.quantile(_drawn([grey, lesion]), [0.025, 0.975])
    found = paired.pairs(new, old, ["grey", "lesion"])
    assert paired.interval(found) == pytest.approx(tuple(expected))
    assert paired.certainty(found) == np.mean(np.array(_drawn([grey, lesion])) >= 0)
    assert paired.standard_error(found) == pytest.approx(np.std(_drawn([grey, lesion])))

    own = paired.standing(new)
    greys = {number: new["patients"][f"P{number}"]["grey"] for number in range(6)}
    low, high = np.quantile(_drawn([greys, {0: 0.61, 2: 0.43, 3: 0.74}]), [0.025, 0.975])
    assert own["averaged"] == ["grey", "lesion"]
    assert (own["low"], own["high"]) == (pytest.approx(low), pytest.approx(high))


def _drawn(values: list[dict[int, float]]) -> list[float]:
    """The mean over classes of the mean over patients, of samples of six; values by patient."""
    rng = np.random.default_rng(0)
    means = []
    for times in rng.multinomial(6, [1 / 6] * 6, paired.RESAMPLES):
        sample = [number for number in range(6) for _ in range(times[number])]
        known = [[own[number] for number in sample if number in own] for own in values]
        means.append(float(np.mean([np.mean(row) for row in known if row])))
    return means


def test_the_majority_mask_is_pixel_by_pixel() -> None:
    one = np.array([[1, 1], [0, 0]], np.uint8)
    other = np.array([[1, 0], [0, 0]], np.uint8)
    assert majority_dice([one, one, other], [one], [1]) == pytest.approx(1.0)
    assert majority_dice([one, one, other], [other], [1]) == pytest.approx(2 / 3)
    wide = np.array([[1, 1, 0]], np.uint8)
    for training, truth in (([], [one]), ([one, wide], [one]), ([one], [one, wide])):
        assert majority_dice(training, truth, [1]) is None


def test_what_is_no_number_becomes_null() -> None:
    assert finite({"a": [float("nan"), 1.0], "b": float("inf")}) == {"a": [None, 1.0], "b": None}


@pytest.mark.parametrize(
    ("stored", "code", "values"),
    [
        ("13 new labels, held-out ones among them", "new_labels", {"labels": 13}),
        ("13 new labels", "new_labels", {"labels": 13}),
        ("asked for by hand", "by_hand", {}),
        ("new scanner", "", {}),
    ],
)
def test_why_a_run_was_made_is_known_again_by_its_sentence(
    stored: str, code: str, values: dict[str, int]
) -> None:
    assert run_reason(stored) == Reason(stored, code, dict(values))
