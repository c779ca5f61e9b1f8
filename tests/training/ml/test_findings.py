"""Questions about the whole image: encoding, loss, a job from training to report, the measures."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from discs import ask, command, edit_job, write_job
from training.ml.calibrate import scaled
from training.ml.checkpoint import load_model
from training.ml.device import choose
from training.ml.findings import (
    Answers,
    FindingsLoss,
    answer_pixels,
    encode,
    entropies,
    probabilities_of,
    unsureness,
)
from training.ml.job import JobError, Question, read_job
from training.ml.judge import accuracies, auc, calibration, judge_answers
from training.ml.robust import _against

QUESTIONS = (
    Question("side", "single", ("left", "right")),
    Question("signs", "multiple", ("bright", "large")),
    Question("grade", "scale", ("1", "2", "3")),
)
RAW: list[dict[str, Any]] = [
    {"code": "side", "kind": "single", "options": ["left", "right"]},
    {"code": "signs", "kind": "multiple", "options": ["bright", "large"]},
    {"code": "grade", "kind": "scale", "options": [1, 2, 3]},
]
CONFIG = {
    "preset": "classifier", "network": {"widths": [8, 16, 32]}, "longest": 64, "epochs": 2,
    "minimum_steps": 60, "learning_rate": 1e-2, "threads": 1,
}  # fmt: skip


def write_answers(folder: Path, count: int = 24) -> Path:
    """Pictures that are dark or bright; the answer follows from it, but for two missing ones."""
    write_job(folder, count, config=CONFIG)
    answers: list[dict[str, Any]] = []
    for number in range(count):
        bright = number % 4 > 1
        if bright:
            path = folder / "images" / f"{number}.npy"
            ys = np.mgrid[0:64, 0:48][0]
            np.save(path, np.load(path) + (ys // 4 % 2 * 900).astype(np.uint16))
        answers.append(
            {
                "side": ["left", "right"][bright],
                "signs": ["bright"] if bright else [],
                "grade": None if number == 0 else 1 + 2 * bright,
            }
        )
    answers[1]["side"] = None
    return ask(folder, RAW, answers)


def test_answers_become_numbers_and_missing_ones_none() -> None:
    values = encode(QUESTIONS, {"side": ("right",), "signs": ()})
    assert values[:4].tolist() == [0, 1, 0, 0]
    assert np.isnan(values[4:]).all()


def test_missing_answers_carry_no_gradient() -> None:
    loss = FindingsLoss(QUESTIONS)
    logits = torch.randn(3, 7, requires_grad=True)
    targets = torch.from_numpy(
        np.stack(
            [
                encode(QUESTIONS, {"side": ("left",)}),
                encode(QUESTIONS, {"signs": ("large",), "grade": ("2",)}),
                encode(QUESTIONS, {}),
            ]
        )
    )
    loss(logits, targets).backward()
    assert logits.grad is not None
    known = ~torch.isnan(targets)
    assert bool((logits.grad[known] != 0).all())
    assert bool((logits.grad[~known] == 0).all())
    (nothing,) = torch.autograd.grad(loss(logits, torch.full((3, 7), torch.nan)), logits)
    assert bool((nothing == 0).all())


def test_probabilities_sum_to_one_where_one_option_is_chosen() -> None:
    values = probabilities_of(QUESTIONS, torch.randn(5, 7))
    assert torch.allclose(values[:, :2].sum(1), torch.ones(5))
    assert torch.allclose(values[:, 4:].sum(1), torch.ones(5))
    sure = np.array([1, 0, 1, 0, 0, 1, 0], np.float32)
    unsure = np.array([0.5, 0.5, 0.5, 0.5, 1 / 3, 1 / 3, 1 / 3], np.float32)
    assert max(entropies(QUESTIONS, sure).values()) < 1e-4
    assert min(entropies(QUESTIONS, unsure).values()) == pytest.approx(1)


def test_a_job_about_the_whole_image_from_training_to_report(tmp_path: Path) -> None:
    job = write_answers(tmp_path / "job")
    events = command("train", job, "--out", tmp_path / "model")
    assert [event["event"] for event in events] == ["start", "epoch", "epoch", "done"]
    assert events[-2]["accuracy"].keys() == {"side", "signs", "grade"}
    command("evaluate", job, "--model", tmp_path / "model", "--out", tmp_path / "report.json")
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["questions"]["side"]["left_out"] == 1
    assert report["questions"]["side"]["answered"] == 23
    assert report["questions"]["side"]["options"]["right"]["auc"] > 0.9, "it learned nothing"
    assert report["questions"]["signs"]["options"]["large"]["auc"] is None, "nobody chose it"
    assert report["questions"]["grade"]["mean_steps_off"] <= 2
    row = report["questions"]["side"]
    assert row["accuracy_low"] <= row["accuracy"] <= row["accuracy_high"]

    worse = tmp_path / "worse.json"
    command("robustness", job, "--model", tmp_path / "model", "--out", worse)
    found = json.loads(worse.read_text())
    accuracy = {code: row["accuracy"] for code, row in report["questions"].items()}
    assert found["clean"] == accuracy, "the same numbers as in the report"
    assert len(found["changes"]) == 21
    assert found["changes"][-1]["accuracy"].keys() == accuracy.keys()

    told = command("predict", job, "--model", tmp_path / "model", "--out", tmp_path / "out")
    assert told[-1] == {"event": "done", "count": 24}
    assert told[0]["answers"]["side"].keys() == {"left", "right"}
    assert 0 <= told[0]["score"] <= 1
    assert told[0]["class_scores"].keys() == {"side", "signs", "grade"}
    again = command("predict", job, "--model", tmp_path / "model", "--out", tmp_path / "out")
    assert again == told
    with np.load(tmp_path / "out" / "3.npz") as found:
        assert found["probabilities"].shape == (7,)
        assert found["embedding"].shape == (32,)

    model, place = load_model(tmp_path / "model"), choose(read_job(job).config)
    example = read_job(job).examples[2]
    pixels = example.pixels()
    moved, _ = _against(model, place, 0.01, example, pixels, np.zeros(pixels.shape[:2], np.uint8))
    before, after = (
        answer_pixels(model, each, example.spacing, place).by_question(model.questions)
        for each in (pixels, moved)
    )
    assert after["side"]["right"] < before["side"]["right"], "a step against the true answer"


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ({"side": "up"}, "side|up"),
        ({"side": ["left"]}, "single"),
        ({"signs": "bright"}, "multiple"),
    ],
)
def test_answers_that_are_none_are_refused(
    tmp_path: Path, answers: dict[str, Any], words: str
) -> None:
    job = ask(write_job(tmp_path / "job", 2), RAW, [answers, {}])
    edit_job(job, config=CONFIG)
    with pytest.raises(JobError, match=words):
        read_job(job)


def test_a_job_is_about_regions_or_about_the_whole_image(tmp_path: Path) -> None:
    job = ask(write_job(tmp_path / "job", 2), RAW, [{}, {}])
    with pytest.raises(JobError, match="classifier"):
        read_job(job)  # the configuration still asks for a U-Net
    edit_job(job, config=CONFIG, classes=[{"index": 1, "name": "disc"}])
    with pytest.raises(JobError, match="not both"):
        read_job(job)


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=30))
def test_auc_is_the_share_of_pairs_in_the_right_order(rows: list[tuple[int, bool]]) -> None:
    scores = np.array([score for score, _ in rows], float)
    positive = np.array([known for _, known in rows])
    found = auc(scores, positive)
    pairs = [
        float(a > b) + 0.5 * float(a == b) for a in scores[positive] for b in scores[~positive]
    ]
    if pairs:
        assert found == pytest.approx(np.mean(pairs))
    else:
        assert np.isnan(found)


def test_the_calibration_of_answers_is_of_choices_and_a_hidden_temperature_comes_back() -> None:
    """Answers drawn from probabilities p, said as softmax(2 log p): twice too sure."""
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 1.5, (900, 3))
    honest = scaled(logits, 1.0)
    chosen = (rng.random((900, 1)) < honest.cumsum(axis=1)).argmax(axis=1)
    patients = [f"P{number % 30}" for number in range(900)]
    said, truth = scaled(logits, 0.5), np.eye(3)[chosen]
    truth[0] = np.nan
    found = calibration(QUESTIONS[2], said, truth, patients)
    assert sum(row["count"] for row in found["reliability"]) == 899, "a missing answer is no choice"
    assert found["temperature"] == pytest.approx(2.0, rel=0.15)
    assert found["ece_scaled"] < 0.06 < found["ece"]

    each = 1 / (1 + np.exp(-rng.normal(0, 2, (450, 2))))
    truth = (rng.random((450, 2)) < each).astype(float)
    found = calibration(QUESTIONS[1], each, truth, patients[:450])
    assert sum(row["count"] for row in found["reliability"]) == 900, "each option is a choice"
    assert found["temperature"] == pytest.approx(1.0, rel=0.15)
    assert min(row["confidence"] for row in found["reliability"]) >= 0.5, "yes or no"
    nothing = calibration(QUESTIONS[2], said[:1], np.full((1, 3), np.nan), ["P"])
    assert (nothing["ece"], nothing["reliability"], nothing["temperature"]) == (None, [], None)


def test_no_examples_are_no_report() -> None:
    with pytest.raises(JobError, match="at least one"):
        judge_answers(QUESTIONS, [], lambda example: pytest.fail("asked"), seed=0)


def test_a_report_says_how_far_each_case_and_patient_is_right(tmp_path: Path) -> None:
    answers: list[dict[str, Any]] = [
        {"side": "left", "signs": ["bright"]}, {"side": "right"},  # one patient
        {"signs": []}, {"side": "left"},  # and another
    ]  # fmt: skip
    job = ask(write_job(tmp_path / "job", 4), RAW, answers)
    examples = read_job(edit_job(job, config=CONFIG)).examples
    left = np.array([0.9, 0.1, 0.8, 0.7, 0.2, 0.3, 0.5], np.float32)  # bright, large; 3
    said = Answers(left, np.zeros(2, np.float32))
    report = judge_answers(QUESTIONS, examples, lambda example: said, seed=0)
    assert [case["right"] for case in report["cases"]] == [
        {"side": 1.0, "signs": 0.5, "grade": None},
        {"side": 0.0, "signs": None, "grade": None},
        {"side": None, "signs": 0.0, "grade": None},
        {"side": 1.0, "signs": None, "grade": None},
    ]
    assert report["patients"] == {
        "P0": {"side": 0.5, "signs": 0.5, "grade": None},
        "P1": {"side": 1.0, "signs": 0.0, "grade": None},
    }
    assert report["questions"]["side"]["accuracy"] == 0.75, "a patient counts once"
    assert accuracies(QUESTIONS, examples, lambda example: said) == {
        code: row["accuracy"] for code, row in report["questions"].items()
    }
    # Said with 0.9: two of three right; what nobody answered was not measured.
    [whole] = report["questions"]["side"]["calibration"]["reliability"]
    assert (whole["count"], whole["accuracy"]) == (3, pytest.approx(2 / 3))
    assert report["questions"]["side"]["calibration"]["ece"] == pytest.approx(0.9 - 2 / 3)
    assert report["questions"]["grade"]["calibration"]["ece"] is None


def test_other_measures_of_doubt_are_means_over_questions_and_options() -> None:
    sure = np.array([1, 0, 1, 0, 0, 1, 0], np.float32)
    assert unsureness(QUESTIONS, sure) == {"least_confidence": 0, "margin": 0}
    values = np.array([0.75, 0.25, 0.5, 1.0, 1.0, 0.0, 0.0], np.float32)
    # Side 1/2 of the largest doubt there is, signs the mean of 1 and 0, grade none.
    found = unsureness(QUESTIONS, values)
    assert found == pytest.approx({"least_confidence": 1 / 3, "margin": 1 / 3})


def test_a_model_that_knows_none_of_the_questions_asked_gets_a_report_without_numbers(
    tmp_path: Path,
) -> None:
    job = ask(write_job(tmp_path / "job", 2), RAW, [{}, {}])
    examples = read_job(edit_job(job, config=CONFIG)).examples
    said = Answers(np.full(7, 0.5, np.float32), np.zeros(2, np.float32))
    report = judge_answers(QUESTIONS, examples, lambda example: said, seed=0)
    assert (report["mean_accuracy"], report["mean_auc"]) == (None, None)
    assert report["questions"]["side"]["accuracy"] is None
    assert (report["questions"]["side"]["answered"], report["questions"]["side"]["left_out"]) == (
        0,
        2,
    )
    assert report["patients"]["P0"] == {"side": None, "signs": None, "grade": None}
