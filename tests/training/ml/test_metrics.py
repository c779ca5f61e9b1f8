"""Known answers: every metric against an independent implementation, on random and drawn masks."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from monai.metrics.meandice import compute_dice
from monai.metrics.meaniou import compute_iou
from scipy import ndimage
from sklearn.metrics import f1_score, mean_absolute_error, recall_score, roc_auc_score

from reticle.pixels.agreement import counts, lesions
from training.groups import metrics_of
from training.ml.evaluate import report_of, shape_of, shape_summary, shapes_by_patient
from training.ml.findings import Answers
from training.ml.infer import Prediction
from training.ml.job import Example, LabelClass, Question
from training.ml.judge import judge_answers

SIDE = Question("side", "single", ("left", "right"))
SIGNS = Question("signs", "multiple", ("bright", "large", "round"))
GRADE = Question("grade", "scale", ("1", "2", "3", "4"))
TISSUES = (LabelClass(3, "grey"), LabelClass(7, "white"), LabelClass(9, "never"))


def blobs(seed: int, size: int = 40) -> np.ndarray:
    """A mask of a few round shapes."""
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=(size, size)), 4)
    mask = (noise > 0.5 * noise.std()).astype(np.uint8)
    mask[0], mask[-1], mask[:, 0], mask[:, -1] = 0, 0, 0, 0
    return np.asarray(mask)


def tensor(mask: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(mask)[None, None].float()


@settings(max_examples=25)
@given(seed=st.integers(0, 10_000))
def test_overlap_equals_monais(seed: int) -> None:
    guess, truth = blobs(seed), blobs(seed + 1)
    if not guess.any() or not truth.any():
        return
    found = counts(guess, truth, 1)
    assert found.dice == pytest.approx(compute_dice(tensor(guess), tensor(truth)).item(), abs=1e-6)
    assert found.iou == pytest.approx(compute_iou(tensor(guess), tensor(truth)).item(), abs=1e-6)
    assert found.sensitivity == pytest.approx(recall_score(truth.ravel(), guess.ravel()))


@settings(max_examples=25)
@given(seed=st.integers(0, 10_000))
def test_lesions_equal_a_count_by_hand(seed: int) -> None:
    """Area by area, with a flood fill of its own."""
    guess, truth = blobs(seed), blobs(seed + 1)

    def areas(mask: np.ndarray) -> list[set[tuple[int, int]]]:
        left = {(int(y), int(x)) for y, x in np.argwhere(mask)}
        found = []
        while left:
            waiting, own = [left.pop()], set()
            while waiting:
                y, x = waiting.pop()
                own.add((y, x))
                for near in [(y + a, x + b) for a in (-1, 0, 1) for b in (-1, 0, 1)]:
                    if near in left:
                        left.remove(near)
                        waiting.append(near)
            found.append(own)
        return found

    predicted = {(int(y), int(x)) for y, x in np.argwhere(guess)}
    true = {(int(y), int(x)) for y, x in np.argwhere(truth)}
    found = lesions(guess, truth, 1)
    assert found.found == sum(bool(area & predicted) for area in areas(truth))
    assert found.missed == sum(not area & predicted for area in areas(truth))
    assert found.false == sum(not area & true for area in areas(guess))


@settings(max_examples=40)
@given(seed=st.integers(0, 10_000), count=st.integers(1, 12))
def test_what_is_said_of_answers_equals_scikit_learns(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    said = {str(number): rng.random(9).astype(np.float32) for number in range(count)}
    examples = []
    for name in said:
        given = {
            "side": (str(rng.choice(["left", "right"])),),
            "signs": tuple(sign for sign in SIGNS.options if rng.random() < 0.5),
            "grade": (str(rng.choice(GRADE.options)),),
        }
        known = {code: answer for code, answer in given.items() if rng.random() < 0.8}
        examples.append(Example(name, Path("x"), None, "P", None, answers=known))
    whole = judge_answers(
        (SIDE, SIGNS, GRADE), examples, lambda e: Answers(said[e.id], np.zeros(1, np.float32)),
        seed=0,
    )  # fmt: skip
    report = whole["questions"]
    _check_group(whole)
    for question, start in ((SIDE, 0), (SIGNS, 2), (GRADE, 5)):
        answered = [e for e in examples if question.code in e.answers]
        chances = [dict(zip(question.options, said[e.id][start:], strict=False)) for e in answered]
        for option, row in report[question.code]["options"].items():
            true = np.array([option in e.answers[question.code] for e in answered])
            if question is SIGNS:
                guess = np.array([own[option] > 0.5 for own in chances])
            else:
                guess = np.array([option == max(own, key=lambda o: own[o]) for own in chances])
            expected = dict.fromkeys(("auc", "sensitivity", "specificity", "f1"))
            if true.any():
                expected["sensitivity"] = recall_score(true, guess)
            if not true.all():
                expected["specificity"] = recall_score(~true, ~guess)
            if true.any() or guess.any():
                expected["f1"] = f1_score(true, guess)
            if true.any() and not true.all():
                expected["auc"] = roc_auc_score(true, [own[option] for own in chances])
            assert {name: row[name] for name in expected} == pytest.approx(expected)
    graded = [e for e in examples if "grade" in e.answers]
    steps = None
    if graded:
        steps = mean_absolute_error(
            [GRADE.options.index(e.answers["grade"][0]) for e in graded],
            [int(said[e.id][5:].argmax()) for e in graded],
        )
    assert report["grade"]["mean_steps_off"] == pytest.approx(steps)


def _check_group(report: dict[str, Any]) -> None:
    """Of a group of all patients the numbers are means over options of the report's own."""
    found: dict[str, list[float]] = {"auc": [], "sensitivity": [], "specificity": []}
    for question in report["questions"].values():
        for row in question["options"].values():
            shown = row["positives"] >= 3
            lacked = question["answered"] - row["positives"] >= 3
            for name, enough in zip(found, (shown and lacked, shown, lacked), strict=True):
                found[name] += [row[name]] if enough else []
    group = metrics_of(report, {"P"})
    for name, values in found.items():
        assert group[name] == (pytest.approx(np.mean(values)) if values else None)
    assert metrics_of(report, {"somebody else"}) == dict.fromkeys(group)


def _judged(question: Question, seed: int) -> dict[str, Any]:
    """A report on 24 images of six patients, with chance's answers."""
    rng = np.random.default_rng(seed)
    examples, said = [], {}
    for number in range(24):
        chosen = tuple(option for option in question.options if rng.random() < 0.5)
        said[str(number)] = rng.random(len(question.options)).astype(np.float32)
        given = {question.code: chosen}
        examples.append(
            Example(str(number), Path("x"), None, f"P-{number % 6}", None, answers=given)
        )
    return judge_answers(
        (question,), examples, lambda e: Answers(said[e.id], np.zeros(1, np.float32)), seed=0
    )


def test_a_groups_intervals_of_answers_are_those_of_its_option_where_there_is_one() -> None:
    report = _judged(Question("signs", "multiple", ("bright",)), seed=3)
    group = metrics_of(report, report["patients"])
    row = report["questions"]["signs"]["options"]["bright"]
    names = [f"{name}{end}" for name in ("auc", "sensitivity", "specificity")
             for end in ("", "_low", "_high")]  # fmt: skip
    assert {name: group[name] for name in names} == pytest.approx({n: row[n] for n in names})
    assert group["auc_low"] < group["auc"] < group["auc_high"]
    lone = metrics_of(report, ["P-0"])
    assert (lone["auc_low"], lone["sensitivity_high"]) == (None, None), "one patient"


def test_a_groups_interval_is_of_the_mean_over_options_of_each_draw_of_patients() -> None:
    report = _judged(SIGNS, seed=4)
    own = [case for case in report["cases"] if case["patient"] != "P-5"]
    names = sorted({case["patient"] for case in own})
    means = []
    for picks in np.random.default_rng(0).integers(0, 5, (500, 5)):
        cases = [case for place in picks for case in own if case["patient"] == names[place]]
        rates = []
        for option in SIGNS.options:
            shown = [case for case in cases if option in case["answers"]["signs"]]
            hits = [case["probabilities"]["signs"][option] > 0.5 for case in shown]
            rates += [np.mean(hits)] if hits else []
        means.append(np.mean(rates))
    group = metrics_of(report, names)
    ends = (group["sensitivity_low"], group["sensitivity_high"])
    assert ends == pytest.approx(np.percentile(means, (2.5, 97.5)))


def test_distances_and_areas_over_a_classs_images_by_hand() -> None:
    """Single pixels, (5, 5) in each truth that has one."""
    drawn = [
        ("A", True, (5, 8)),  # 3 px away: beyond the tolerance; missed, and a false one
        ("A", True, (5, 5)),  # found
        ("A", True, None),  # no distance; missed
        ("B", False, (2, 2)),  # no distance; false
        ("B", False, None),  # nothing to say
        ("B", True, (5, 6)),  # 1 px away: near; missed, and a false one
    ]
    shapes = []
    for patient, there, place in drawn:
        truth, guess = np.zeros((12, 12), np.uint8), np.zeros((12, 12), np.uint8)
        if there:
            truth[5, 5] = 1
        if place:
            guess[place] = 1
        shapes.append(shape_of(Example("x", Path("x"), None, patient, None), guess, truth, 1))
    # Of two patients a quarter of the samples are A alone, and a quarter B alone.
    assert shape_summary(shapes, seed=0) == {
        "hd95": pytest.approx((3 / 2 + 1) / 2),  # the mean of A's 3 and 0, and B's 1
        "hd95_low": 1,
        "hd95_high": 3 / 2,
        "hd95_missing": 2,
        "surface_dice": pytest.approx((2 / 5 + 2 / 3) / 2),  # pixels near, of A's 5 and B's 3
        "surface_dice_low": pytest.approx(2 / 5),
        "surface_dice_high": pytest.approx(2 / 3),
        "lesions": 4,
        "lesion_sensitivity": 1 / 4,
        "lesion_sensitivity_low": 0,
        "lesion_sensitivity_high": pytest.approx(1 / 3),
        "false_positives_per_image": 3 / 6,
        "false_positives_per_image_low": pytest.approx(1 / 3),
        "false_positives_per_image_high": pytest.approx(2 / 3),
    }
    kept = {"shapes": shapes_by_patient({"dot": shapes, "nowhere": shapes[4:5]})}
    group = metrics_of(kept, ["A", "B"])
    assert group["hd95"] == pytest.approx((3 / 2 + 1) / 2)
    assert (group["lesions"], group["lesion_sensitivity"]) == (4, 1 / 4)
    assert group["false_positives_per_image"] == 3 / 6
    ranged = ("hd95", "lesion_sensitivity", "false_positives_per_image")
    ends = {f"{name}_{end}" for name in ranged for end in ("low", "high")}
    of_class = shape_summary(shapes, seed=0)
    assert {name: group[name] for name in ends} == pytest.approx({n: of_class[n] for n in ends})
    few = metrics_of(kept, ["B", "somebody else"])
    assert (few["lesions"], few["lesion_sensitivity"]) == (1, None), "one lesion is no share"
    assert (few["hd95"], few["false_positives_per_image"]) == (1, 2 / 3)
    assert [few[name] for name in ends] == [None] * 6, "one patient says nothing of others"
    assert metrics_of({}, ["A"]) == dict.fromkeys(group), "of an earlier release"
    nothing = shape_summary(shapes[4:5], seed=0)
    assert (nothing["hd95"], nothing["surface_dice"], nothing["lesion_sensitivity"]) == (None,) * 3
    assert nothing["hd95_low"] is nothing["lesion_sensitivity_high"] is None


def labels(**classes: Sequence[int]) -> np.ndarray:
    """A mask (4, 5) with these pixels of each class, counted row by row."""
    mask = np.zeros(20, np.uint8)
    for name, pixels in classes.items():
        mask[list(pixels)] = next(item.index for item in TISSUES if item.name == name)
    return mask.reshape(4, 5)


def test_a_classs_overlap_and_what_one_flat_mask_reaches_by_hand(tmp_path: Path) -> None:
    drawn = [  # patient, truth, prediction
        ("A", labels(grey=range(6), white=[10, 11]), labels(grey=range(2, 10), white=[11, 12, 13])),
        ("A", labels(grey=[0, 1]), labels(grey=[0], white=[19])),
        ("B", labels(grey=range(10), white=[12, 13, 14]), labels(grey=range(9), never=[18])),
        ("C", labels(), labels()),
    ]
    examples, said = [], {}
    for number, (patient, truth, guess) in enumerate(drawn):
        np.save(tmp_path / f"{number}.npy", truth)
        examples.append(
            Example(str(number), tmp_path / "none", tmp_path / f"{number}.npy", patient, None)
        )
        sure = guess == np.array([0, *(item.index for item in TISSUES)])[:, None, None]
        said[str(number)] = Prediction(sure.astype(np.float32), np.zeros(1, np.float32))
    report = report_of(TISSUES, examples, lambda e: said[e.id], seed=0)
    grey, white, never = (report["classes"][item.name] for item in TISSUES)
    # A's two images have 5 grey pixels right, 4 false and 3 missed, B's one 9, none and 1. C shows
    # nothing and is left out. Means are over patients, and the share that is found over pixels.
    assert grey["iou"] == pytest.approx((5 / 12 + 9 / 10) / 2)
    assert grey["dice"] == pytest.approx((10 / 17 + 18 / 19) / 2)
    assert grey["sensitivity"] == pytest.approx(14 / 18)
    assert (grey["patients"], grey["left_out"]) == (2, 1)
    # Of the two patients with grey a quarter of the samples are A alone, and a quarter B alone.
    assert [grey["iou_low"], grey["iou_high"]] == pytest.approx([5 / 12, 9 / 10])
    assert [grey["sensitivity_low"], grey["sensitivity_high"]] == pytest.approx([5 / 8, 9 / 10])
    # Of white A has 1 right, 3 false, 1 missed, and B 3 missed.
    assert white["iou"] == pytest.approx((1 / 5 + 0) / 2)
    assert white["sensitivity"] == pytest.approx(1 / 5)
    assert (never["iou"], never["dice"], never["sensitivity"]) == (0, 0, None)
    assert report["mean_dice"] == pytest.approx((grey["dice"] + white["dice"]) / 2)
    # Of 18 grey and 5 white pixels grey is the commonest: all 40 of A's pixels, 8 of them right,
    # all 20 of B's, 10 of them right, and all of C's, none of them right.
    flat = (16 / 48 + 20 / 30 + 0) / 3
    assert report["majority_by_class"] == {"grey": pytest.approx(flat), "white": 0, "never": None}
    assert report["majority_dice"] == pytest.approx((flat + 0) / 2)


@settings(max_examples=15)
@given(seed=st.integers(0, 10_000))
def test_intervals_of_answers_are_over_patients(seed: int) -> None:
    """A quarter of the samples of two patients are of A alone, a quarter of B alone, half of both.

    So the ends are the least and the largest of scikit-learn's numbers of these three.
    """
    rng = np.random.default_rng(seed)
    said = rng.random((12, 5)).astype(np.float32)
    true = np.concatenate(
        [np.eye(2, dtype=bool)[rng.integers(0, 2, 12)], rng.random((12, 3)) < 0.5], 1
    )
    patients = np.array(["A"] * 5 + ["B"] * 7)
    options = (*SIDE.options, *SIGNS.options)
    examples = []
    for number, (patient, row) in enumerate(zip(patients, true, strict=True)):
        chosen = [option for option, there in zip(options, row, strict=True) if there]
        answers = {"side": tuple(chosen[:1]), "signs": tuple(chosen[1:])}
        examples.append(Example(str(number), Path("x"), None, patient, None, answers=answers))
    report = judge_answers(
        (SIDE, SIGNS), examples, lambda e: Answers(said[int(e.id)], np.zeros(1, np.float32)), seed=1
    )
    guess = np.concatenate(
        [said[:, :2] == said[:, :2].max(axis=1, keepdims=True), said[:, 2:] > 0.5], 1
    )
    samples = [patients == "A", patients == "B", np.ones(12, bool)]
    for place, option in enumerate(options):
        row = report["questions"]["side" if place < 2 else "signs"]["options"][option]
        found: dict[str, list[float]] = {
            name: [] for name in ("auc", "sensitivity", "specificity", "f1")
        }
        for own in samples:
            there, chosen, score = true[own, place], guess[own, place], said[own, place]
            if there.any():
                found["sensitivity"].append(recall_score(there, chosen))
            if not there.all():
                found["specificity"].append(recall_score(~there, ~chosen))
            if there.any() or chosen.any():
                found["f1"].append(f1_score(there, chosen))
            if there.any() and not there.all():
                found["auc"].append(roc_auc_score(there, score))
        for name, values in found.items():
            ends = [min(values), max(values)] if values else [None, None]
            assert [row[f"{name}_low"], row[f"{name}_high"]] == pytest.approx(ends), (option, name)
    for code, part in (("side", slice(0, 2)), ("signs", slice(2, 5))):
        right = [(guess == true)[own, part].mean() for own in samples[:2]]
        row = report["questions"][code]
        assert row["accuracy"] == pytest.approx(np.mean(right))
        assert [row["accuracy_low"], row["accuracy_high"]] == pytest.approx(sorted(right))


def test_the_means_over_all_answers_by_hand() -> None:
    given: list[tuple[str, dict[str, tuple[str, ...]], list[float]]] = [
        # Patient, answers, and probabilities of left and right, three signs and four grades.
        ("A", {"side": ("left",), "signs": ("bright",), "grade": ("1",)},
         [0.7, 0.3, 0.9, 0.6, 0.1, 0.5, 0.4, 0.05, 0.05]),
        ("A", {"side": ("right",), "signs": (), "grade": ("2",)},
         [0.8, 0.2, 0.5, 0.1, 0.1, 0.45, 0.42, 0.08, 0.05]),
        ("B", {"side": ("right",), "signs": ("bright",)},
         [0.2, 0.8, 0.6, 0.7, 0.8, 0.1, 0.2, 0.3, 0.4]),
    ]  # fmt: skip
    examples = [
        Example(str(number), Path("x"), None, patient, None, answers=answers)
        for number, (patient, answers, _) in enumerate(given)
    ]
    said = [Answers(np.array(row, np.float32), np.zeros(1, np.float32)) for *_, row in given]
    report = judge_answers((SIDE, SIGNS, GRADE), examples, lambda e: said[int(e.id)], seed=0)
    # Sides: A has one of two right, B one of one. Signs: A's images have 2 and 3 of three right,
    # B's has 1. Grades: A has one of two right, and B was not asked.
    right = {"side": (1 / 2 + 1) / 2, "signs": (5 / 6 + 1 / 3) / 2, "grade": 1 / 2}
    found = {code: row["accuracy"] for code, row in report["questions"].items()}
    assert found == pytest.approx(right)
    assert report["mean_accuracy"] == pytest.approx(sum(right.values()) / 3)
    # Left is said more than of one of two others, and so is right; bright of both; grades 1 and 2
    # of the one other. No image has another sign or grade: they have no area.
    areas = [1 / 2, 1 / 2, 1, 1, 1]
    known = [
        option["auc"]
        for row in report["questions"].values()
        for option in row["options"].values()
        if option["auc"] is not None
    ]
    assert known == pytest.approx(areas)
    assert report["mean_auc"] == pytest.approx(sum(areas) / 5)
