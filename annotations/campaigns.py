"""STEP campaign: create, change, open and close; people; images joining as tasks."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import transaction
from django.db.models import Exists, Max, OuterRef
from django.utils.timezone import now

from annotations.findings import question_add
from annotations.models import Campaign, LabelClass, Membership, Suggestion, Task
from reticle.accounts.models import User
from reticle.accounts.roles import Role
from reticle.audit.record import record
from reticle.errors import Conflict, Invalid
from reticle.images.models import Image

# The training policy: what triggers a run and how it trains. Values are (default, low, high).
# scratch_growth: train from scratch when labels have grown by this factor since the last such run;
# 0 only when the classes changed. shadow: a model that passes the gate runs beside the champion
# until a person decides. committee: further networks of a champion's recipe are trained when
# nothing else waits, for its uncertainty maps (training.committee). Beside these numbers stand
# `preset` and `recipe`, the learning core's own fields, which `training.trigger` checks.
TRAINING: dict[str, tuple[float, float, float]] = {
    "enabled": (1, 0, 1),
    "minimum_total": (8, 1, 100_000),
    "minimum_new": (12, 1, 100_000),
    "minimum_held_out": (4, 1, 10_000),
    "cooldown_seconds": (60, 0, 7 * 86_400),
    "epochs": (20, 1, 10_000),
    "minimum_steps": (200, 1, 1_000_000),
    "seconds": (3600, 1, 7 * 86_400),
    "margin": (0.02, 0, 1),
    "scratch_growth": (2, 0, 1000),
    "shadow": (0, 0, 1),
    "committee": (0, 0, 1),
}
FIXED = {
    "readers_per_task": "The number of readers per task",
    "unit": "Whether images or whole series are handed out",
}
# The networks of each kind of campaign, the first by default (training.ml.config.PRESETS).
PRESETS_OF: dict[str, tuple[str, ...]] = {
    Campaign.Kind.SEGMENTATION: ("cpu", "small", "tiny", "gpu", "residual", "published"),
    Campaign.Kind.CLASSIFICATION: ("classifier", "resnet"),
}
PRESETS = tuple(preset for presets in PRESETS_OF.values() for preset in presets)
HELD_OUT_SHARE = 0.2
HELD_OUT_MINIMUM_PATIENTS = 9  # with six, worse models passed the gate (benchmarks/gate.md)
GAP_REASON = "gap beside a held-out block"
BLOCKS, GAP = 3, 5  # a lone volume: held-out blocks of neighbouring frames, and slices left out
LAST = -1e9  # until an order is published, new tasks wait behind those that have a place
DEFAULT_COLOURS = (
    "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7",
    "#999999", "#88CCEE", "#44AA99", "#DDCC77", "#AA4499",
)  # fmt: skip


def preset_check(kind: str, given: Mapping[str, object]) -> None:
    """Raise Invalid when a network is asked for that a campaign of this kind cannot train."""
    fitting = PRESETS_OF[kind]
    if given.get("preset", fitting[0]) not in fitting:
        raise Invalid(
            f"A {kind} campaign trains one of {', '.join(fitting)}.", code="bad_preset",
            detail={"training": "preset"},
        )  # fmt: skip


def training_policy(
    given: Mapping[str, object], kind: str = Campaign.Kind.SEGMENTATION
) -> dict[str, object]:
    """Return the policy with defaults filled in. Raises Invalid naming the field at fault.

    A network that does not fit the kind, as older campaigns have it, gives way to the default.
    """
    policy: dict[str, object] = {name: default for name, (default, _, _) in TRAINING.items()}
    policy["preset"] = given.get("preset", PRESETS_OF[kind][0])
    if policy["preset"] in PRESETS and policy["preset"] not in PRESETS_OF[kind]:
        policy["preset"] = PRESETS_OF[kind][0]
    if policy["preset"] not in PRESETS:
        raise Invalid(
            f"The preset is one of {', '.join(PRESETS)}.", code="bad_training",
            detail={"training": "preset"},
        )  # fmt: skip
    for name, value in given.items():
        if name == "preset":
            continue
        if name == "recipe":
            policy[name] = value
            continue
        if name not in TRAINING:
            raise Invalid(
                f"There is no training setting {name!r}.", code="bad_training",
                detail={"training": name},
            )  # fmt: skip
        _, low, high = TRAINING[name]
        if isinstance(value, bool):
            value = int(value)
        if not isinstance(value, int | float) or not low <= value <= high:
            raise Invalid(
                f"The training setting {name!r} must lie between {low} and {high}.",
                code="bad_training",
                detail={"training": name},
            )
        policy[name] = value
    return policy


@transaction.atomic
def campaign_create(
    *, actor: User, classes: Sequence[Mapping[str, str]],
    questions: Sequence[Mapping[str, Any]] = (), **fields: object,
) -> Campaign:  # fmt: skip
    """Create a campaign in draft with its classes and questions; its creator is the manager.

    Raises Invalid (a field cannot be used) and Conflict (the slug is taken).
    """
    policy = fields.pop("training", {})
    if not isinstance(policy, Mapping):
        raise Invalid(
            "The training policy must be an object.", code="bad_training",
            detail={"training": "object"},
        )  # fmt: skip
    campaign = Campaign(**fields)
    if campaign.kind in PRESETS_OF:  # else full_clean refuses it
        preset_check(campaign.kind, policy)
        campaign.training = training_policy(policy, campaign.kind)
    if Campaign.objects.filter(slug=campaign.slug).exists():
        raise Conflict("A campaign of that short name exists.", code="slug_taken")
    campaign.full_clean(validate_unique=False)
    campaign.save()
    for number, row in enumerate(classes):
        class_add(actor=actor, campaign=campaign, name=row["name"], colour=row.get("colour", ""))
        if number > 250:
            raise Invalid(
                "A mask holds at most 250 classes.",
                code="many_classes",
                detail={"classes": "too many"},
            )
    for question in questions:
        question_add(actor=actor, campaign=campaign, **question)
    Membership.objects.create(campaign=campaign, user=actor, role=Role.MANAGER)
    record(actor_id=actor.pk, action="campaign.create", target=campaign, campaign_id=campaign.pk)
    return campaign


@transaction.atomic
def class_add(*, actor: User, campaign: Campaign, name: str, colour: str = "") -> LabelClass:
    """Add a class with the next free index. Raises Invalid or Conflict (the name is taken)."""
    highest = campaign.classes.aggregate(highest=Max("index"))["highest"] or 0
    label = LabelClass(
        campaign=campaign,
        index=highest + 1,
        name=name,
        colour=colour or DEFAULT_COLOURS[highest % len(DEFAULT_COLOURS)],
    )
    if campaign.classes.filter(name=name).exists():
        raise Conflict(f"The class {name!r} exists.", code="class_exists")
    label.full_clean(validate_unique=False)
    label.save()
    if campaign.state != Campaign.State.DRAFT:
        campaign.schema_version += 1
        campaign.save(update_fields=["schema_version"])
    record(actor_id=actor.pk, action="class.add", target=label, campaign_id=campaign.pk, name=name)
    return label


@transaction.atomic
def campaign_change(*, actor: User, campaign: Campaign, changes: Mapping[str, object]) -> Campaign:
    """Change settings; what changed stands in the audit row. Raises Invalid."""
    Campaign.objects.select_for_update(no_key=True).get(pk=campaign.pk)
    campaign.refresh_from_db()  # somebody may have changed it since it was loaded
    fields = dict(changes)
    if "training" in fields:
        given = fields["training"]
        if not isinstance(given, Mapping):
            raise Invalid(
            "The training policy must be an object.", code="bad_training",
            detail={"training": "object"},
        )  # fmt: skip
        preset_check(campaign.kind, given)
        fields["training"] = training_policy({**campaign.training, **given}, campaign.kind)
    for name, words in FIXED.items():
        if fields.get(name, getattr(campaign, name)) == getattr(campaign, name):
            continue
        if campaign.state != Campaign.State.DRAFT:
            raise Conflict(
                f"{words} is fixed once a campaign has been opened.", code="campaign_opened"
            )
    threshold = campaign.suggestion_dice
    for name, value in fields.items():
        setattr(campaign, name, value)
    campaign.full_clean(validate_unique=False)
    campaign.save(update_fields=list(fields))
    if campaign.suggestion_dice != threshold:
        _suggestions_drop(campaign)
    record(
        actor_id=actor.pk, action="campaign.change", target=campaign, campaign_id=campaign.pk,
        changes=fields,
    )  # fmt: skip
    return campaign


def _suggestions_drop(campaign: Campaign) -> None:
    """Delete the suggestions of waiting cases that were offered to nobody; a worker makes others.

    A case that is being leased just now is locked, and keeps what its reader is about to see.
    """
    suggested = Suggestion.objects.filter(task=OuterRef("pk"))
    waiting = campaign.tasks.filter(Exists(suggested), state=Task.State.OPEN).order_by("id")
    locked = list(waiting.select_for_update(skip_locked=True, no_key=True))
    # Locked before their maps are looked for: a worker may be adding some, and they go with it.
    unseen = Suggestion.objects.filter(task__in=locked, assignments=None).only("pk").order_by("pk")
    rows = list(unseen.select_for_update(of=("self",)))
    Suggestion.objects.filter(pk__in=[row.pk for row in rows]).delete()


@transaction.atomic
def campaign_set_state(*, actor: User, campaign: Campaign, state: Campaign.State) -> Campaign:
    """Open or close. Raises Conflict when there is no class to draw, or no question to answer."""
    if state == Campaign.State.OPEN:
        _ask_something(campaign)
    campaign.state = state
    campaign.save(update_fields=["state"])
    record(
        actor_id=actor.pk, action=f"campaign.{state.value}", target=campaign,
        campaign_id=campaign.pk,
    )  # fmt: skip
    return campaign


def _ask_something(campaign: Campaign) -> None:
    if campaign.kind == Campaign.Kind.CLASSIFICATION:
        if not campaign.questions.filter(retired_at=None).exists():
            raise Conflict("Add at least one question before opening.", code="no_questions")
    elif not campaign.classes.filter(retired_at=None).exists():
        raise Conflict("Add at least one class before opening.", code="no_classes")


@transaction.atomic
def member_set(*, actor: User, campaign: Campaign, user: User, roles: set[Role]) -> None:
    """Give a person exactly these roles; none removes them from the campaign.

    Raises Conflict when the campaign would be left without a manager.
    """
    Membership.objects.filter(campaign=campaign, user=user).exclude(role__in=roles).delete()
    for role in roles:
        Membership.objects.get_or_create(campaign=campaign, user=user, role=role.value)
    if not Membership.objects.filter(campaign=campaign, role=Role.MANAGER.value).exists():
        raise Conflict("A campaign needs at least one manager.", code="last_manager")
    record(
        actor_id=actor.pk, action="member.set", target=user, campaign_id=campaign.pk,
        roles=sorted(roles),
    )  # fmt: skip


def _rank(patient: str) -> bytes:
    """Return the rank of a patient: by chance, and the same in every campaign.

    Campaigns over the same patients then hold out the same ones, so that a model that begins with
    another campaign's weights is not measured on patients whom these weights have seen.
    """
    return hashlib.sha256(f"held-out:{patient}".encode()).digest()


def held_out_patients(known: Mapping[str, bool], new: Iterable[str]) -> set[str]:
    """Choose which new patients are held out; those known keep what they have.

    Each patient has a stable rank; the lowest ranks of the new ones are held out until the share
    of all (at least nine patients, of fewer than 27 a third) is met. A campaign that holds out
    fewer than that catches up with no more than every third patient who joins, at once or one by
    one: the others are there to learn from.
    """
    ranked = sorted({key for key in new if key not in known}, key=_rank)
    total = len(known) + len(ranked)
    wanted = max(round(HELD_OUT_SHARE * total), min(HELD_OUT_MINIMUM_PATIENTS, total // 3))
    every_third = total // 3 - len(known) // 3
    return set(ranked[: max(0, min(wanted - sum(known.values()), every_third))])


def _blocks(count: int) -> dict[int, str]:
    """Map frame order to 'held_out' or 'gap' for a lone volume of `count` frames."""
    length = max(1, round(HELD_OUT_SHARE * count / BLOCKS))
    marks: dict[int, str] = {}
    for block in range(BLOCKS):
        middle = round((block + 0.5) * count / BLOCKS)
        first = middle - length // 2
        for index in range(first - GAP, first + length + GAP):
            inside = first <= index < first + length
            if 0 <= index < count:
                marks[index] = "held_out" if inside else marks.get(index, "gap")
    return marks


def _lone_volume(images: Sequence[Image], patients: int) -> dict[int, str]:
    """Return marks by image key when one patient's one series is all there is."""
    series = {image.series_id for image in images}
    smallest = BLOCKS * (2 * GAP + 2)
    if patients != 1 or len(series) != 1 or len(images) < smallest:
        return {}
    ordered = sorted(images, key=lambda image: image.index)
    return {ordered[index].pk: mark for index, mark in _blocks(len(ordered)).items()}


def _blocks_undo(campaign: Campaign, joining: set[str]) -> None:
    """Decide on a lone volume as on any other, by patient, once other patients join it.

    Volumes that are imported one by one begin with one of them. Once somebody has read its blocks
    stay: a held-out frame whose truth has been looked at is not trained on.
    """
    sides = set(
        campaign.tasks.values_list("image__series__study__patient_key", "held_out").distinct()
    )
    patients = {patient for patient, _ in sides}
    if len(sides) != 2 or len(patients) != 1 or joining <= patients:
        return
    if campaign.assignments.exists():
        return
    held_out = patients <= held_out_patients({}, patients | joining)
    campaign.tasks.update(held_out=held_out)
    campaign.tasks.filter(state=Task.State.EXCLUDED, reason=GAP_REASON).update(
        state=Task.State.OPEN, reason=""
    )


@transaction.atomic
def images_join(*, actor: User | None, campaign: Campaign, images: Sequence[Image]) -> int:
    """Make a task of every image that is new to the campaign; return how many.

    Membership of the held-out set is decided here, by patient, and never changes once somebody
    reads.
    """
    Campaign.objects.select_for_update(no_key=True).get(pk=campaign.pk)
    known_images = set(campaign.tasks.values_list("image_id", flat=True))
    fresh = [image for image in images if image.pk not in known_images]
    if not fresh:
        return 0
    keys = {image.pk: image.series.study.patient_key for image in fresh}
    _blocks_undo(campaign, set(keys.values()))
    rows = campaign.tasks.values_list("image__series__study__patient_key", "held_out")
    known: dict[str, bool] = {}
    for patient, held_out in rows.distinct():
        known[patient] = known.get(patient, False) or held_out
    patients = set(known) | set(keys.values())
    blocks = _lone_volume(fresh, len(patients)) if not known else {}
    chosen = held_out_patients(known, keys.values()) | {
        key for key, held_out in known.items() if held_out
    }
    tasks = []
    for image in fresh:
        mark = blocks.get(image.pk, "")
        held_out = mark == "held_out" if blocks else keys[image.pk] in chosen
        excluded = mark == "gap"
        tasks.append(
            Task(
                campaign=campaign,
                image=image,
                held_out=held_out,
                priority=LAST,
                state=Task.State.EXCLUDED if excluded else Task.State.OPEN,
                reason=GAP_REASON if excluded else "",
            )
        )
    Task.objects.bulk_create(tasks, batch_size=1000)
    record(
        actor_id=actor.pk if actor else None, action="images.join", target=campaign,
        campaign_id=campaign.pk, images=len(tasks), held_out=sum(task.held_out for task in tasks),
        at=now().isoformat(),
    )  # fmt: skip
    return len(tasks)
