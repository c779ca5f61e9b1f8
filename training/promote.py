"""STEP promote: a candidate becomes champion only on the same held-out cases, and not worse.

The rule (see docs/architecture.md): paired over patients, as `training.paired` says; the mean must
not fall, and no class and no subgroup may fall beyond the campaign's margin. The first model must
beat the empty mask and the majority mask. Models that answer are held to the same rule, by
accuracy: of each question in place of each class, against the majority answer. Where the numbers
do not suffice a person decides.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace

import numpy as np
import numpy.typing as npt
from django.db import transaction
from django.utils.timezone import now

from annotations.campaigns import training_policy
from annotations.models import Campaign
from reticle.accounts.models import User
from reticle.audit.record import record
from reticle.errors import Conflict, Invalid
from reticle.pixels.agreement import counts
from training import curve, figures, paired
from training.ml.plain import finite as finite
from training.models import Evaluation, ModelVersion
from training.reasons import Reason, reason

Report = figures.Report
Subgroups = Mapping[str, Collection[str]]
Mask = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Decision:
    """A verdict (promote, reject, insufficient) with its reasons and numbers.

    Against a champion all numbers are of the same pairs: `candidate - champion` is `difference`.
    """

    verdict: str
    reasons: list[Reason]
    candidate: float | None = None
    champion: float | None = None
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    certainty: float | None = None
    """The share of resampled patients by which the mean does not fall."""
    classes: dict[str, float] = field(default_factory=dict)
    cases: list[str] = field(default_factory=list)


def decide(
    candidate: Report,
    champion: Report | None,
    *,
    floor: float,
    margin: float,
    minimum_cases: int,
    subgroups: Subgroups | None = None,
) -> Decision:
    """Compare two reports over the same cases; `floor` is what the first model has to beat.

    `subgroups` names the patients of each, e.g. {"site A": {"P-1", "P-2"}}. A champion from before
    a class or question was added is compared by those both know.
    """
    cases = [str(case["id"]) for case in candidate["cases"]]
    shared = shared_names(candidate, champion)
    names = figures.compared(candidate) if shared else figures.telling(candidate)
    score = figures.mean_over(candidate, names)
    draws = figures.metric_of(candidate) == "dice"
    if score is None or len(cases) < minimum_cases:
        why = reason("few_drawn" if draws else "few_answered", cases=len(cases))
        return Decision("insufficient", [why], candidate=score, cases=cases)
    if champion is None or not shared:
        better = score > floor
        code = f"{'mask' if draws else 'answers'}_{'beaten' if better else 'not_beaten'}"
        why = reason(code, score=score, floor=floor)
        return Decision("promote" if better else "reject", [why], candidate=score, cases=cases)
    return _compare(candidate, champion, shared, margin, subgroups or {})


def shared_names(candidate: Report, champion: Report | None) -> list[str]:
    """Return what both are compared by; a candidate that shares nothing must beat the floor."""
    return [] if champion is None else _known(champion, figures.compared(candidate))


def _known(champion: Report, names: Sequence[str]) -> list[str]:
    """Return which of the names the champion was measured by.

    A question that was changed since is one that it does not know, and it has no number for it.
    """
    parts = figures.parts_of(champion)
    drawn = figures.metric_of(champion) == "dice"
    return [name for name in names if name in parts and (drawn or parts[name]["answered"])]


def _compare(
    candidate: Report,
    champion: Report,
    names: Sequence[str],
    margin: float,
    subgroups: Subgroups,
) -> Decision:
    cases = [str(case["id"]) for case in candidate["cases"]]
    found = paired.pairs(candidate, champion, names)
    both = paired.means(found)
    same = cases == [str(case["id"]) for case in champion["cases"]]
    if both is None or len(found) < len(names) or not same:
        score, old = (figures.mean_over(each, names) for each in (candidate, champion))
        why = reason("other_cases")
        return Decision("insufficient", [why], candidate=score, champion=old, cases=cases)
    score, old = both
    difference = score - old
    fallen = {
        name: float(np.mean([new - was for new, was in own.values()]))
        for name, own in found.items()
    }
    low, high = paired.interval(found)
    means = reason(
        f"mean_{figures.metric_of(candidate)}", parts=", ".join(names), score=score, champion=old,
        cases=len(cases),
    )  # fmt: skip
    groups = _by_subgroup(paired.by_patient(found), subgroups)
    lost = [_part_fell(name, -fall) for name, fall in fallen.items() if fall < -margin]
    lost += [_group_fell(name, -fall) for name, fall in groups.items() if fall < -margin]
    verdict = "promote" if difference >= 0 and not lost else "reject"
    fell = [reason("mean_fell")] if difference < 0 else []
    return Decision(
        verdict, [means, *fell, *lost], candidate=score, champion=old, difference=difference,
        low=low, high=high, certainty=paired.certainty(found), classes=fallen, cases=cases,
    )  # fmt: skip


def _part_fell(name: str, by: float) -> Reason:
    return reason("part_fell", part=name, by=by)


def _group_fell(name: str, by: float) -> Reason:
    """Say it of a subgroup, named "attribute value" as `snapshot.subgroups_of` does."""
    attribute, _, value = name.partition(" ")
    return reason("group_fell", attribute=attribute, value=value, by=by)


def _by_subgroup(patients: Mapping[str, paired.Pair], subgroups: Subgroups) -> dict[str, float]:
    """Return the mean difference of each subgroup that has enough patients to say."""
    found = {}
    for name, members in subgroups.items():
        values = [new - old for new, old in (patients[one] for one in members if one in patients)]
        if len(values) >= figures.GROUP_PATIENTS:
            found[name] = float(np.mean(values))
    return found


def majority_dice(
    training: Iterable[Mask], truth: Iterable[Mask], indexes: Sequence[int]
) -> float | None:
    """Return the mean Dice of the mask that gives each pixel its most frequent training label.

    None where there is no such mask: of masks of several sizes. They are looked at one by one.
    """
    guess = _majority_mask(training, indexes)
    if guess is None:
        return None
    right, wrong = dict.fromkeys(indexes, 0), dict.fromkeys(indexes, 0)
    for mask in truth:
        if mask.shape != guess.shape:
            return None
        for index in indexes:
            found = counts(guess, mask, index)
            right[index] += found.tp
            wrong[index] += found.fp + found.fn
    scores = [2 * right[i] / (2 * right[i] + wrong[i]) for i in indexes if right[i] + wrong[i]]
    return float(np.mean(scores)) if scores else 0.0


def _majority_mask(masks: Iterable[Mask], indexes: Sequence[int]) -> Mask | None:
    """Return each pixel's most frequent label; None of no masks and of several sizes."""
    labels = [0, *indexes]
    votes: npt.NDArray[np.int32] | None = None
    for mask in masks:
        if votes is None:
            votes = np.zeros((len(labels), *mask.shape), np.int32)
        if mask.shape != votes.shape[1:]:
            return None
        for place, index in enumerate(labels):
            votes[place] += mask == index
    return None if votes is None else np.asarray(labels, np.uint8)[votes.argmax(axis=0)]


def champion_of(campaign: Campaign) -> ModelVersion | None:
    """Return the live model."""
    return campaign.models.filter(state=ModelVersion.State.CHAMPION).first()


def shadow_of(campaign: Campaign) -> ModelVersion | None:
    """Return the model that runs beside the live one."""
    return campaign.models.filter(state=ModelVersion.State.SHADOW).first()


@transaction.atomic
def model_consider(
    *, candidate: ModelVersion, decision: Decision, rival: ModelVersion | None
) -> bool:
    """Store the decision and promote when it says so; compare-and-set on the champion.

    Where the campaign's policy asks for it the candidate becomes the shadow instead.

    `rival` is the champion the decision was made against. When another model went live in the
    meantime the decision is void and nothing is promoted.
    """
    campaign = Campaign.objects.select_for_update(no_key=True).get(pk=candidate.campaign_id)
    live = champion_of(campaign)
    stale = (live.pk if live else None) != (rival.pk if rival else None)
    # Somebody may have decided by hand while it was measured: that stands.
    candidate.refresh_from_db(fields=["state"])
    decided = candidate.state != ModelVersion.State.CANDIDATE
    verdict = "insufficient" if stale else decision.verdict
    if verdict == "promote" and training_policy(campaign.training)["shadow"]:
        verdict = "shadow"
    reasons = [*decision.reasons, *([reason("champion_changed")] if stale else [])]
    candidate.decision = {**asdict(replace(decision, verdict=verdict, reasons=reasons)),
                          "against": rival.number if rival else None}  # fmt: skip
    if decided:
        candidate.save(update_fields=["decision"])
        return candidate.state == ModelVersion.State.CHAMPION
    if verdict == "reject":
        candidate.state = ModelVersion.State.REJECTED
    candidate.save(update_fields=["decision", "state"])
    record(
        actor_id=None, action=f"model.{verdict}", target=candidate, campaign_id=campaign.pk,
        number=candidate.number, reasons=[each.text for each in reasons],
    )  # fmt: skip
    if verdict == "promote":
        _crown(campaign, candidate, live)
    elif verdict == "shadow":
        _shade(campaign, candidate)
    return verdict == "promote"


def _shade(campaign: Campaign, model: ModelVersion) -> None:
    """Make a model the shadow; a newer one takes the place of the one before."""
    before = shadow_of(campaign)
    if before is not None:
        before.state = ModelVersion.State.REPLACED
        before.save(update_fields=["state"])
        record(
            actor_id=None, action="model.shadow_replaced", target=before, campaign_id=campaign.pk,
            number=before.number, reason=reason("replaced", number=model.number).text,
            by=model.number,
        )  # fmt: skip
    model.state = ModelVersion.State.SHADOW
    model.save(update_fields=["state"])


@transaction.atomic
def shadow_end(*, model: ModelVersion, actor: User, reason: str) -> ModelVersion:
    """Take a model out of the shadow without letting it go live, because a person says so.

    Raises Conflict when it is not the shadow (any more), Invalid without a reason.
    """
    reason = _given(reason)
    campaign = Campaign.objects.select_for_update(no_key=True).get(pk=model.campaign_id)
    model.refresh_from_db()
    if model.state != ModelVersion.State.SHADOW:
        raise Conflict("This model does not run in the shadow any more.", code="not_shadow")
    model.state, model.scoring_until = ModelVersion.State.REJECTED, None
    model.save(update_fields=["state", "scoring_until"])
    record(
        actor_id=actor.pk, action="model.shadow_end", target=model, campaign_id=campaign.pk,
        number=model.number, reason=reason,
    )  # fmt: skip
    return model


def _crown(
    campaign: Campaign, model: ModelVersion, live: ModelVersion | None,
    becomes: ModelVersion.State = ModelVersion.State.RETIRED,
) -> None:  # fmt: skip
    if live is not None:
        live.state = becomes
        live.save(update_fields=["state"])
    model.state, model.champion_since = ModelVersion.State.CHAMPION, now()
    model.scored_at = model.scoring_until = None
    model.unreadable, model.scoring_error = [], ""
    model.save(
        update_fields=[
            "state", "champion_since", "scored_at", "scoring_until", "unreadable", "scoring_error",
        ]
    )  # fmt: skip
    campaign.champion = _figures_of(campaign, model)
    campaign.save(update_fields=["champion"])


def _figures_of(campaign: Campaign, live: ModelVersion) -> dict[str, object]:
    """Return what lists of campaigns say of the live model: the figure at the campaign's head."""
    _, measured = curve.curve_of(campaign)
    own = measured if measured["number"] == live.number else {}
    score = own.get("score")
    value = {"dice": None, "accuracy": score} if live.questions else {"dice": score}
    return {"number": live.number, **value, "low": own.get("low"), "high": own.get("high")}


@transaction.atomic
def champion_keep(campaign_id: int) -> None:
    """Keep the live model's figure with its campaign, after what the curve is of has changed."""
    campaign = Campaign.objects.select_for_update(no_key=True).get(pk=campaign_id)
    live = champion_of(campaign)
    if live is not None:
        campaign.champion = _figures_of(campaign, live)
        campaign.save(update_fields=["champion"])


@transaction.atomic
def model_promote(
    *, model: ModelVersion, actor: User, reason: str, action: str = "model.promote_by_hand",
    becomes: ModelVersion.State = ModelVersion.State.RETIRED,
) -> ModelVersion:  # fmt: skip
    """Make a model the champion because a person says so, and why; `becomes`: the one before it.

    Raises Conflict if it is already, Invalid without a reason.
    """
    reason = _given(reason)
    campaign = Campaign.objects.select_for_update(no_key=True).get(pk=model.campaign_id)
    model.refresh_from_db()
    if model.state == ModelVersion.State.CHAMPION:
        raise Conflict("This model is the champion already.", code="is_champion")
    live = champion_of(campaign)
    _crown(campaign, model, live, becomes)
    record(
        actor_id=actor.pk, action=action, target=model, campaign_id=campaign.pk,
        number=model.number, reason=reason, before=live.number if live else None,
    )  # fmt: skip
    return model


@transaction.atomic
def model_rollback(*, campaign: Campaign, actor: User, reason: str, number: int) -> ModelVersion:
    """Bring the champion before this one back; raises as `model_promote` does.

    `number` is the version that the person was told. The one that is left is rejected: no later
    rollback comes back to it. Raises Conflict when there was none before, or when another model
    went live meanwhile, so that this would lead elsewhere.
    """
    _given(reason)
    Campaign.objects.select_for_update(no_key=True).get(pk=campaign.pk)
    previous = champion_before(campaign)
    if previous is None:
        raise Conflict("There is no earlier champion to go back to.", code="no_earlier_champion")
    if previous.number != number:
        raise Conflict(
            f"Another model went live meanwhile: going back would now lead to version "
            f"{previous.number}.", code="rollback_elsewhere",
        )  # fmt: skip
    return model_promote(
        model=previous, actor=actor, reason=reason, action="model.rollback",
        becomes=ModelVersion.State.REJECTED,
    )  # fmt: skip


def champion_before(campaign: Campaign) -> ModelVersion | None:
    """Return the model that a rollback brings back: live before this one, and never left by one."""
    retired = campaign.models.filter(state=ModelVersion.State.RETIRED)
    return retired.order_by("-champion_since").first()


def _given(reason: str) -> str:
    """Return the reason without space around it. Raises Invalid when nothing is left."""
    reason = reason.strip()
    if not reason:
        words = "Say why: the reason is kept in the audit record."
        raise Invalid(words, code="no_reason", detail={"reason": words})
    return reason


@transaction.atomic
def evaluation_store(*, model: ModelVersion, snapshot_id: int, report: Report) -> Evaluation:
    """Keep a report with its one mean; the same model on the same snapshot is kept once."""
    row, _ = Evaluation.objects.update_or_create(
        model=model,
        snapshot_id=snapshot_id,
        defaults={
            "report": finite({**report, "standing": paired.standing(report)}),
            "mean_dice": figures.number(report.get("mean_dice")),
        },
    )
    ModelVersion.objects.filter(pk=model.pk).exclude(unmeasured={}).update(unmeasured={})
    champion_keep(model.campaign_id)
    return row
