"""What people see of a model: its report, its card, two compared, and the doors to all of it."""

import io
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image as Picture

import make
from annotations.models import Campaign, Task
from reticle.accounts.models import User
from reticle.audit.models import AuditEvent
from reticle.pixels.mask import pack
from training import compare, curve, picture, promote, report, shared, trigger
from training.card import card_of
from training.models import Evaluation, ModelVersion, Prediction, Snapshot, TrainingRun
from training.promote import Decision
from training.reasons import reason

pytestmark = pytest.mark.django_db
CLASSES = [{"index": 1, "name": "grey"}, {"index": 2, "name": "white"}]
CARD = {"classes": CLASSES, "architecture": {"name": "unet", "widths": [8, 16, 32]}}


@pytest.fixture
def campaign() -> Campaign:
    """Seventeen patients of one image; five of them are held out."""
    made = make.campaign(make.user("manager"), readers=[make.user("reader")], patients=17)
    sexes = {}
    for number, task in enumerate(held_out(made)):
        series = task.image.series
        series.attributes = {"sex": "FM"[number % 2], "site": "A" if number else "B"}
        series.save()
        sexes[series.study.patient_key] = series.attributes["sex"]
    assert len(sexes) == 5
    return made


def held_out(campaign: Campaign) -> list[Task]:
    rows = campaign.tasks.filter(held_out=True).select_related("image__series__study")
    return list(rows.order_by("id"))


def measured(campaign: Campaign, grey: list[float], white: list[float | None]) -> dict[str, Any]:
    """A report whose patients have these Dice; a white of None is a patient without white."""
    cases, patients = [], {}
    for task, one, two in zip(held_out(campaign), grey, white, strict=True):
        key = task.image.series.study.patient_key
        patients[key] = {"grey": one, "white": two}
        rows = {
            "grey": {"tp": 9, "fp": 1, "fn": 1, "dice": one},
            "white": {"tp": 0, "fp": 0, "fn": 0 if two is None else 4, "dice": two},
        }
        cases.append({"id": str(task.image_id), "patient": key, "classes": rows})
    whites = [value for value in white if value is not None]
    classes: dict[str, Any] = {
        "grey": {"dice": float(np.mean(grey)), "low": 0.1, "high": 0.9, "iou": 0.5, "patients": 5},
        "white": {"dice": float(np.mean(whites)) if whites else None, "low": None, "high": None},
    }
    shown = [row["dice"] for row in classes.values() if row["dice"] is not None]
    mean = float(np.mean(shown))
    return {"cases": cases, "patients": patients, "classes": classes, "mean_dice": mean}


def model_of(
    campaign: Campaign, number: int, found: dict[str, Any], snapshot: Snapshot | None = None,
    state: str = "retired", truth: str = "",
) -> ModelVersion:  # fmt: skip
    """A model without weights, with its evaluation; masks of another `truth` are other masks."""
    if snapshot is None:
        rows = [
            {"image": task.image_id, "patient": task.image.series.study.patient_key,
             "mask_sha256": f"{truth}{task.image_id}"}
            for task in held_out(campaign)
        ]  # fmt: skip
        snapshot = Snapshot.objects.create(
            campaign=campaign, sha256=f"{number:064d}", labels=10 * number, held_out=len(rows),
            manifest={"classes": CLASSES, "training": [], "held_out": rows},
        )  # fmt: skip
    run = TrainingRun.objects.create(
        campaign=campaign, snapshot=snapshot, state=TrainingRun.State.SUCCEEDED, seed=number,
        config={"preset": "tiny"}, reason="12 new labels",
    )  # fmt: skip
    model = ModelVersion.objects.create(
        campaign=campaign, number=number, run=run, weights_sha256=f"{number:064d}", card=CARD,
        state=state,
    )  # fmt: skip
    promote.evaluation_store(model=model, snapshot_id=snapshot.pk, report=found)
    return model


def report_of(model: ModelVersion) -> dict[str, Any]:
    return report.report_of(model, curve.evaluation_of(model))


def test_a_subgroups_numbers_are_those_of_a_plain_computation(campaign: Campaign) -> None:
    grey, white = [0.9, 0.8, 0.7, 0.6, 0.5], [0.5, None, 0.3, 0.2, None]
    model = model_of(campaign, 1, measured(campaign, grey, white))
    rows = {(r["attribute"], r["value"]): r for r in report_of(model)["subgroups"]}
    assert set(rows) == {("sex", "F"), ("sex", "M"), ("site", "A"), ("site", "B")}
    each = [0.7, 0.8, 0.5, 0.4, 0.5]  # the mean over grey and, where there is any, white
    women, site = rows["sex", "F"], rows["site", "A"]
    assert (women["patients"], women["enough"]) == (3, True)
    assert women["mean"] == pytest.approx(np.mean([each[0], each[2], each[4]]))
    assert women["low"] <= women["mean"] <= women["high"]
    assert women["difference"] is None, "two men are too few to compare with"
    assert site["mean"] == pytest.approx(np.mean(each[1:]))
    assert women["lesion_sensitivity"] is None, "an evaluation of an earlier release"
    shown = make.client(User.objects.get(username="manager")).get(f"/api/v1/models/{model.pk}")
    assert {row["hd95_low"] for row in shown.json()["subgroups"]} == {None}
    assert "| not measured | not measured | not measured |" in card_of(model)


def test_a_subgroup_has_its_lesions_and_distances_too(campaign: Campaign) -> None:
    found = measured(campaign, [0.9] * 5, [None] * 5)
    area = {"found": 2, "missed": 1, "false": 1, "images": 4}
    found["shapes"] = {
        patient: {"grey": {**area, "hd95": 1.0 + place}}
        for place, patient in enumerate(found["patients"])
    }
    model = model_of(campaign, 1, found)
    rows = {(r["attribute"], r["value"]): r for r in report_of(model)["subgroups"]}
    women, men = rows["sex", "F"], rows["sex", "M"]
    assert (women["lesions"], women["lesion_sensitivity"]) == (9, pytest.approx(2 / 3))
    assert (women["false_positives_per_image"], women["hd95"]) == (0.25, 3)
    assert men["lesion_sensitivity"] is None, "two men are too few"
    manager = make.client(User.objects.get(username="manager"))
    shown = manager.get(f"/api/v1/models/{model.pk}").json()["subgroups"]
    ranges = [(row["hd95"], row["hd95_low"], row["hd95_high"]) for row in shown]
    assert ranges[0] == (3, 1, 5), "of 1, 3 and 5, each of them alone in a draw of 27"
    assert (ranges[1], ranges[2][0]) == ((None, None, None), 3.5)
    assert "| sex F | 3 | 0.90 |" in card_of(model)
    within = "| 3.00 (1.00 to 5.00) | 0.67 (0.67 to 0.67) | 0.25 (0.25 to 0.25) |"
    assert within in card_of(model)


def test_too_few_patients_are_said_and_given_no_number(campaign: Campaign) -> None:
    model = model_of(campaign, 1, measured(campaign, [0.9] * 5, [None] * 5))
    rows = {(r["attribute"], r["value"]): r for r in report_of(model)["subgroups"]}
    lone = rows["site", "B"]
    assert (lone["patients"], lone["enough"], lone["mean"], lone["low"]) == (1, False, None, None)
    assert "| site B | 1 | fewer than 3 patients: no number |" in card_of(model)


def test_a_group_is_compared_with_all_others() -> None:
    dice = {f"P{n}": value for n, value in enumerate([0.9, 0.8, 0.85, 0.5, 0.55, 0.45])}
    found = {
        "cases": [{"classes": {"grey": {"tp": 1, "fn": 0}, "drawn only": {"tp": 0, "fn": 0}}}],
        "patients": {key: {"grey": value, "drawn only": 0.0} for key, value in dice.items()},
    }
    rows = report.subgroup_rows(found, {"scanner X": ["P0", "P1", "P2"], "sex F": ["P9"]})
    assert [row["attribute"] for row in rows] == ["sex", "scanner"]
    assert rows[1]["difference"] == pytest.approx(0.85 - 0.5)
    assert 0.2 < rows[1]["difference_low"] < 0.35 < rows[1]["difference_high"] < 0.5
    assert rows[0]["patients"] == 0


def test_a_groups_intervals_are_over_its_patients_alone() -> None:
    own, rest = [0.91, 0.62, 0.83], [0.54, 0.35, 0.76, 0.57]
    dice = {f"P{number}": value for number, value in enumerate([*own, *rest])}
    found = {
        "cases": [{"classes": {"grey": {"tp": 1, "fn": 0}}}],
        "patients": {key: {"grey": value} for key, value in dice.items()},
    }
    (row,) = report.subgroup_rows(found, {"scanner X": ["P0", "P1", "P2"]})
    # Of three patients one sample in 27 is of the lowest alone: more than one in forty.
    assert (row["low"], row["high"]) == (pytest.approx(0.62), pytest.approx(0.91))
    assert row["difference"] == pytest.approx(np.mean(own) - np.mean(rest))
    # All samples that there are, 3^3 of the group and 4^4 of the others, each as likely.
    means = [[np.mean(each) for each in product(part, repeat=len(part))] for part in (own, rest)]
    every = np.subtract.outer(*means)
    assert (every < row["difference_low"]).mean() == pytest.approx(0.025, abs=0.012)
    assert (every > row["difference_high"]).mean() == pytest.approx(0.025, abs=0.012)


def test_what_an_older_evaluation_did_not_measure_is_said(campaign: Campaign) -> None:
    model = model_of(campaign, 1, measured(campaign, [0.9] * 5, [0.4] * 5))
    found = report_of(model)
    assert found["calibration"] is None
    assert found["robustness"] is None
    assert found["metrics"][0]["hd95"] is None
    assert found["metrics"][0]["iou_low"] is None
    card = card_of(model)
    assert "| grey | 5 | 0.90 | 0.10 to 0.90 | 0.50 | not measured |" in card
    for title in ("calibration of its probabilities was", "images get worse was"):
        assert f"{title} not measured" in card
    assert f"`{model.weights_sha256}`" in card


def test_the_card_gives_each_metric_its_interval(campaign: Campaign) -> None:
    first = measured(campaign, [0.9] * 5, [0.4] * 5)
    grey = {**first["classes"]["grey"], "iou_low": 0.4, "iou_high": 0.6}
    model = model_of(campaign, 1, {**first, "classes": {**first["classes"], "grey": grey}})
    assert report_of(model)["metrics"][0]["iou_high"] == 0.6
    assert "| 0.10 to 0.90 | 0.50 (0.40 to 0.60) | not measured |" in card_of(model)


def test_a_model_without_any_evaluation_has_a_card_too(campaign: Campaign) -> None:
    model = model_of(campaign, 1, measured(campaign, [0.9] * 5, [0.4] * 5))
    Evaluation.objects.all().delete()
    assert "Held-out performance was not measured" in card_of(model)


def test_calibration_and_robustness_are_given_as_measured() -> None:
    curve = [{"count": 10, "confidence": 0.9, "accuracy": 0.8}]
    kept = {"ece": 0.1, "ece_scaled": 0.05, "temperature": 1.4}
    assert report.calibration_of({**kept, "reliability": curve}) == {**kept, "reliability": curve}
    before = [{"pixels": 10, "confidence": 0.9, "accuracy": 0.8}]
    assert report.calibration_of({**kept, "reliability": before}) == {**kept, "reliability": curve}
    clean = {"grey": 0.8, "white": 0.6, "rare": None}
    worse = {"change": "blur", "strength": 2.0, "dice": {"grey": 0.5, "white": 0.5, "rare": None}}
    trial = {"examples": 3, "clean": clean, "changes": [worse]}
    robust = report.robustness_of(trial, ["grey", "white", "not in the trial"])
    assert robust is not None
    assert robust["mean"] == pytest.approx(0.7)
    assert robust["changes"][0]["fall"] == pytest.approx(0.2)
    assert robust["changes"][0]["parts"] == worse["dice"]
    assert robust["averaged"] == ["grey", "white"]
    rare = report.robustness_of(trial, ["white"])
    assert rare is not None
    assert (rare["averaged"], rare["mean"]) == (["white"], 0.6), "as the model's own mean"
    other = report.robustness_of(trial, ["rare"])
    assert other is not None
    assert other["averaged"] == ["grey", "white"], "of what the trial's cases show"
    assert report.robustness_of({}, []) is None
    assert report.robustness_of({"error": "The training process ended with -9."}, []) is None


def test_unfamiliar_cases_are_listed_until_they_are_read_and_held_out_ones_never(
    campaign: Campaign,
) -> None:
    model = model_of(campaign, 1, measured(campaign, [0.5] * 5, [None] * 5))
    tasks = list(campaign.tasks.filter(held_out=False).order_by("id")[:3])
    far = [*zip(tasks, (7.0, 9.0, 8.0), strict=True), (held_out(campaign)[0], 20.0)]
    model.unfamiliar = [{"image": task.image_id, "beyond": beyond} for task, beyond in far]
    tasks[2].state = Task.State.EXCLUDED
    tasks[2].save()
    found = report_of(model)["unfamiliar"]
    assert [(row["case"], row["beyond"]) for row in found] == [(tasks[1].pk, 9), (tasks[0].pk, 7)]


def test_two_models_are_compared_patient_by_patient_on_the_same_cases(campaign: Campaign) -> None:
    first = model_of(campaign, 1, measured(campaign, [0.5, 0.6, 0.7, 0.8, 0.9], [None] * 5))
    shared = first.run.snapshot
    second = model_of(
        campaign, 2, measured(campaign, [0.7, 0.7, 0.7, 0.7, 0.9], [None] * 5), shared
    )
    found = compare.compared(second, first)
    assert found["same_cases"]
    keys = [task.image.series.study.patient_key for task in held_out(campaign)]
    differences = {row["patient"]: row["difference"] for row in found["patients"]}
    assert [differences[key] for key in keys] == pytest.approx([0.2, 0.1, 0.0, -0.1, 0.0])
    grey = next(row for row in found["classes"] if row["name"] == "grey")
    assert grey["difference"] == pytest.approx(0.04)
    assert grey["low"] < 0.04 < grey["high"]
    assert grey["patients"] == 5
    mean = found["mean"]
    assert mean["difference"] == pytest.approx(mean["model"] - mean["against"])


def test_a_difference_stands_beside_the_means_that_it_is_of(campaign: Campaign) -> None:
    """One patient has white, which both miss; on two others the second draws it falsely."""
    grey = [0.5] * 5
    first = model_of(campaign, 1, measured(campaign, grey, [0.0, None, None, None, None]))
    false = measured(campaign, grey, [0.0, 0.0, 0.0, None, None])
    second = model_of(campaign, 2, false, first.run.snapshot)
    white = next(
        row for row in compare.compared(first, second)["classes"] if row["name"] == "white"
    )
    assert (white["model"]["dice"], white["against"]["dice"]) == (0.0, 0.0)
    assert (white["model_mean"], white["against_mean"]) == pytest.approx((2 / 3, 0.0))
    assert white["difference"] == pytest.approx(2 / 3)


def test_the_champion_of_a_campaign_has_the_interval_of_its_mean(campaign: Campaign) -> None:
    manager = User.objects.get(username="manager")
    dice = [0.5, 0.6, 0.7, 0.8, 0.9]
    model = model_of(campaign, 1, measured(campaign, dice, [*dice]))
    promote.model_promote(model=model, actor=manager, reason="by hand")
    [card] = make.client(manager).get("/api/v1/campaigns").json()
    champion = card["champion"]
    assert champion["dice"] == pytest.approx(0.7)
    assert 0.5 < champion["low"] < 0.65 < 0.75 < champion["high"] < 0.9


def test_the_mean_of_one_class_has_the_interval_of_that_class(campaign: Campaign) -> None:
    """No number stands on a page with two intervals."""
    alone = measured(campaign, [0.5, 0.6, 0.7, 0.8, 0.9], [None] * 5)
    model = model_of(campaign, 1, alone)
    page = make.client(User.objects.get(username="manager")).get(f"/api/v1/models/{model.pk}")
    row = page.json()
    assert (row["averaged"], row["score"]) == (["grey"], pytest.approx(0.7))
    assert (row["low"], row["high"]) == (0.1, 0.9), "as its row in the table of classes"


def counted(campaign: Campaign, misses: list[int]) -> dict[str, Any]:
    """A report of the first patients: of 10 grey pixels each, so many were missed."""
    report = measured(campaign, [0.5] * 5, [None] * 5)
    report["cases"] = report["cases"][: len(misses)]
    for case, missed in zip(report["cases"], misses, strict=True):
        case["classes"]["grey"] = {"tp": 10 - missed, "fp": 0, "fn": missed}
    return report


def test_models_of_different_lists_are_compared_on_the_cases_both_met(campaign: Campaign) -> None:
    """A held-out list grows: an early model and a late one share its beginning."""
    early = model_of(campaign, 1, counted(campaign, [5, 5, 0]))
    late = model_of(campaign, 2, counted(campaign, [0, 5, 0, 5, 5]))
    found = compare.compared(late, early)
    assert not found["same_cases"]
    assert found["cases"] == 3
    keys = [task.image.series.study.patient_key for task in held_out(campaign)]
    differences = {row["patient"]: row["difference"] for row in found["patients"]}
    assert differences == pytest.approx({keys[0]: 1 - 2 / 3, keys[1]: 0, keys[2]: 0})
    grey = next(row for row in found["classes"] if row["name"] == "grey")
    assert grey["difference"] == pytest.approx((1 - 2 / 3) / 3)


def test_models_measured_with_different_truth_are_not_subtracted(campaign: Campaign) -> None:
    first = model_of(campaign, 1, measured(campaign, [0.5] * 5, [None] * 5))
    second = model_of(campaign, 2, measured(campaign, [0.7] * 5, [None] * 5), truth="amended")
    found = compare.compared(second, first)
    assert not found["same_cases"]
    assert found["patients"] == []
    assert found["mean"]["difference"] is None
    assert found["mean"]["model"] == pytest.approx(0.7), "each one's own mean stays"
    assert found["mean"]["against"] == pytest.approx(0.5)
    assert found["averaged"] == ["grey"]
    assert found["classes"][0]["model"]["dice"] == pytest.approx(0.7)


def test_the_mean_of_two_versions_is_over_what_promotion_compares(campaign: Campaign) -> None:
    """A class that too few cases show does not turn what the decision says around."""
    reports = [measured(campaign, [0.5] * 5, [None] * 5), measured(campaign, [0.7] * 5, [None] * 5)]
    for found, dice in zip(reports, (1.0, 0.0), strict=True):
        found["classes"]["rare"] = {**found["classes"]["grey"], "dice": dice}
        first = found["cases"][0]
        first["classes"]["rare"] = {"tp": 1, "fp": 0, "fn": 1}
        found["patients"][first["patient"]]["rare"] = dice
    old = model_of(campaign, 1, reports[0])
    new = model_of(campaign, 2, reports[1], snapshot=old.run.snapshot)
    found = compare.compared(new, old)
    assert found["averaged"] == ["grey"]
    assert found["mean"]["difference"] == pytest.approx(0.2)


def drawn(model: ModelVersion, task: Task, mask: npt.NDArray[np.uint8]) -> None:
    Prediction.objects.create(model=model, image_id=task.image_id, packed=pack(mask))


def test_held_out_cases_are_neither_listed_nor_drawn(campaign: Campaign) -> None:
    first, second = (
        model_of(campaign, n, measured(campaign, [0.5] * 5, [None] * 5)) for n in (1, 2)
    )
    pool = list(campaign.tasks.filter(held_out=False).order_by("id")[:3])
    secret = held_out(campaign)[0]
    other = make.mask()
    other[0:4] = 2
    for task in [*pool, secret]:
        drawn(first, task, make.mask())
        drawn(second, task, other if task == pool[1] else make.mask())
    drawn(first, campaign.tasks.filter(held_out=False).order_by("id")[5], make.mask())
    found = shared.shared_cases(first, second)
    assert {row["image"] for row in found} == {task.image_id for task in pool}
    assert found[0]["image"] == pool[1].image_id, "the most different comes first"
    manager = make.client(User.objects.get(username="manager"))
    for what in ("drawing", "label"):
        door = f"/api/v1/models/{first.pk}/{what}?image="
        assert manager.get(f"{door}{secret.image_id}").status_code == 404
        assert manager.get(f"{door}{make.images(1)[0].pk}").status_code == 404, "of no case"
        answer = manager.get(f"{door}{pool[0].image_id}")
        assert answer.status_code == 200
        with Picture.open(io.BytesIO(answer.content)) as shown:
            assert shown.size == (32 * 12, 24 * 12)
        assert manager.get(f"{door}no").json()["detail"] == {"image": "a whole number"}
    assert not found[0]["labelled"]
    assert found[0]["model"] == {"learned": False, "error": None}


def test_a_drawing_covers_its_class_lightly_and_its_edge_fully() -> None:
    pixels = np.full((400, 400), 100, np.uint8)
    mask = np.zeros_like(pixels)
    mask[10:20, 10:20] = 1
    found = picture.painted(pixels, mask, {1: (200, 0, 0)})
    assert found.shape == (400, 400, 3)
    assert found[0, 0].tolist() == [100, 100, 100]
    assert found[15, 15].tolist() == [130, 70, 70]
    assert found[10, 15].tolist() == [200, 0, 0]


def test_a_promotion_by_hand_needs_a_reason_and_keeps_it(campaign: Campaign) -> None:
    first = model_of(campaign, 1, measured(campaign, [0.5] * 5, [None] * 5), state="champion")
    second = model_of(campaign, 2, measured(campaign, [0.7] * 5, [None] * 5))
    first.champion_since = first.created_at
    first.save()
    client = make.client(User.objects.get(username="manager"))
    door = f"/api/v1/models/{second.pk}/promote"
    for body in ({}, {"reason": "  "}):
        answer = client.post(door, body, format="json")
        assert (answer.status_code, list(answer.json()["detail"])) == (422, ["reason"])
    assert promote.champion_of(campaign) == first
    answer = client.post(door, {"reason": "better in the fossa"}, format="json")
    assert answer.json()["state"] == "champion"
    told = {"reason": "too early", "number": 1}
    back = client.post(f"/api/v1/campaigns/{campaign.slug}/rollback", told, format="json")
    assert back.json()["number"] == 1
    events = AuditEvent.objects.filter(action__in=["model.promote_by_hand", "model.rollback"])
    assert [event.detail["reason"] for event in events.order_by("id")] == [
        "better in the fossa", "too early",
    ]  # fmt: skip
    history = client.get(f"/api/v1/models/{second.pk}").json()["history"]
    said = {"text": "better in the fossa", "code": "", "values": {}}
    assert [(row["action"], row["actor"], row["reasons"]) for row in history] == [
        ("promote_by_hand", "manager", [said])
    ]


def test_a_decision_says_why_by_codes_and_one_of_before_by_its_sentences(
    campaign: Campaign,
) -> None:
    model = model_of(campaign, 1, measured(campaign, [0.5] * 5, [None] * 5), state="candidate")
    why = [reason("mean_fell"), reason("part_fell", part="grey", by=0.12)]
    promote.model_consider(candidate=model, decision=Decision("reject", why), rival=None)
    client = make.client(User.objects.get(username="manager"))
    door, sentences = f"/api/v1/models/{model.pk}", ["the mean fell", "grey fell by 0.120"]
    coded = [
        {"text": sentences[0], "code": "mean_fell", "values": {}},
        {"text": sentences[1], "code": "part_fell", "values": {"part": "grey", "by": 0.12}},
    ]
    page = client.get(door).json()
    assert (page["decision"]["reasons"], page["history"][0]["reasons"]) == (coded, coded)
    listed = client.get(f"/api/v1/campaigns/{campaign.slug}/models").json()
    assert listed[0]["decision"]["reasons"] == coded
    assert AuditEvent.objects.get(action="model.reject").detail["reasons"] == sentences
    model.decision["reasons"] = sentences
    model.save()
    plain = [{"text": text, "code": "", "values": {}} for text in sentences]
    page = client.get(door).json()
    assert (page["decision"]["reasons"], page["history"][0]["reasons"]) == (plain, plain)
    assert "; ".join(sentences) in client.get(f"{door}/card").content.decode()


def settle(campaign: Campaign) -> None:
    make.read(campaign, User.objects.get(username="reader"), 17)


def test_a_run_asked_for_by_hand_does_as_it_is_told(campaign: Campaign) -> None:
    settle(campaign)
    client = make.client(User.objects.get(username="manager"))
    door = f"/api/v1/campaigns/{campaign.slug}/runs"
    wrong = client.post(door, {"epochs": 0}, format="json")
    assert (wrong.status_code, list(wrong.json()["detail"])) == (422, ["epochs"])
    none = client.post(door, {"start": "champion"}, format="json")
    assert (none.status_code, none.json()["code"]) == (422, "bad_start")
    body = {"preset": "tiny", "epochs": 3, "minimum_steps": 7, "seconds": 30, "start": "scratch"}
    made = client.post(door, body, format="json").json()
    assert {key: made["config"][key] for key in list(body)[:4]} == {
        "preset": "tiny", "epochs": 3, "minimum_steps": 7, "seconds": 30,
    }  # fmt: skip
    assert (made["start"], made["ahead"]) == ("scratch", 0)
    assert made["reason"] == {"text": "asked for by hand", "code": "by_hand", "values": {}}
    found = client.get(f"/api/v1/runs/{made['id']}").json()
    assert [(row["event"], row["actor"]) for row in found["events"]] == [("create", "manager")]
    assert found["events"][0]["why"]["code"] == "by_hand"
    client.post(f"/api/v1/runs/{made['id']}/cancel")
    found = client.get(f"/api/v1/runs/{made['id']}").json()
    assert [row["event"] for row in found["events"]] == ["create", "cancel", "cancelled"]


def test_a_run_cannot_go_on_from_a_champion_with_another_network(campaign: Campaign) -> None:
    settle(campaign)
    champion = model_of(campaign, 1, measured(campaign, [0.5] * 5, [None] * 5), state="champion")
    tiny, cpu = (trigger.run_config(campaign, {"preset": name}) for name in ("tiny", "cpu"))
    assert trigger.continues(champion, campaign, tiny)
    assert not trigger.continues(champion, campaign, cpu)
    client = make.client(User.objects.get(username="manager"))
    door = f"/api/v1/campaigns/{campaign.slug}/runs"
    answer = client.post(door, {"start": "champion", "preset": "cpu"}, format="json")
    assert (answer.status_code, list(answer.json()["detail"])) == (422, ["start"])
    answer = client.post(door, {"start": "champion", "preset": "tiny"}, format="json")
    assert answer.status_code == 201


def test_the_learning_curve_counts_the_minutes_of_reading(campaign: Campaign) -> None:
    reader = User.objects.get(username="reader")
    make.read(campaign, reader, 6)
    model_of(campaign, 1, measured(campaign, [0.5] * 5, [None] * 5))
    make.read(campaign, reader, 6)
    model_of(campaign, 2, measured(campaign, [0.7] * 5, [None] * 5))
    client = make.client(User.objects.get(username="manager"))
    curve = client.get(f"/api/v1/campaigns/{campaign.slug}/learning").json()["curve"]
    assert [row["minutes"] for row in curve] == pytest.approx([6 * 12.5 / 60, 12 * 12.5 / 60])
    assert [row["mean_dice"] for row in curve] == [0.5, 0.7]


def test_the_card_is_downloaded_under_its_own_name(campaign: Campaign) -> None:
    model = model_of(campaign, 3, measured(campaign, [0.5] * 5, [None] * 5))
    client = make.client(User.objects.get(username="manager"))
    answer = client.get(f"/api/v1/models/{model.pk}/card")
    assert answer["Content-Disposition"] == 'attachment; filename="brain-v3.md"'
    assert answer.content.decode().startswith("# Model card: Brain, version 3\n")


def test_the_card_of_a_model_that_went_on_from_another_names_it(campaign: Campaign) -> None:
    first, second = (
        model_of(campaign, n, measured(campaign, [0.5] * 5, [None] * 5)) for n in (1, 2)
    )
    assert "- Started from: from scratch\n" in card_of(second)
    second.run.base = first
    assert "- Started from: version 1\n" in card_of(second)


def test_only_a_model_of_the_same_campaign_is_compared_with(campaign: Campaign) -> None:
    model = model_of(campaign, 1, measured(campaign, [0.5] * 5, [None] * 5))
    client = make.client(User.objects.get(username="manager"))
    for query in ("", "?against=9", "?against=x"):
        answer = client.get(f"/api/v1/models/{model.pk}/compare{query}")
        assert (answer.status_code, list(answer.json()["detail"])) == (422, ["against"])
    answer = client.get(f"/api/v1/models/{model.pk}/compare?against=1")
    assert answer.json()["mean"]["difference"] == 0
