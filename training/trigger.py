"""STEP trigger: when a campaign gets a training run, by its policy or because a person asks.

A new label never kills a run: a campaign has one active run (a database constraint), and labels
that come while it trains count towards the next.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.timezone import now

from annotations.campaigns import preset_check, training_policy
from annotations.models import Campaign, Task
from reticle.accounts.models import User
from reticle.audit.record import record
from reticle.errors import Conflict, Invalid
from training import answers, crossval, origins
from training.bundle import Handed, bundle_keep
from training.ensemble import is_ensemble
from training.ml.config import ConfigError, TrainConfig
from training.models import ModelVersion, TrainingRun
from training.promote import champion_of
from training.reasons import reason
from training.snapshot import classes_of

State = TrainingRun.State
SETTINGS = frozenset({"preset", "epochs", "minimum_steps", "seconds", "threads"})
Start = TrainingRun.Start


def refresh_state(campaign: Campaign) -> dict[str, Any]:
    """Return how far the next training run is: labels new since the last one, and what lacks.

    A run that is under way has its labels; one that failed or was cancelled has used none.
    """
    policy = training_policy(campaign.training)
    settled = campaign.tasks.filter(state=Task.State.SETTLED)
    held_out = settled.filter(held_out=True).count()
    total = settled.count()
    last = (
        campaign.runs.filter(TrainingRun.FROM_ALL, snapshot__isnull=False)
        .exclude(state__in=[State.FAILED, State.CANCELLED])
        .order_by("-id").values_list("snapshot__labels", "snapshot__held_out").first()
    )  # fmt: skip
    used = sum(last) if last else 0
    needed = max(
        int(policy_number(policy, "minimum_new")) - (total - used),
        int(policy_number(policy, "minimum_total")) - total,
        int(policy_number(policy, "minimum_held_out")) - held_out,
        0,
    )
    return {
        "enabled": bool(policy["enabled"]) and teaches(campaign),
        "settled": total,
        "held_out": held_out,
        "new_labels": max(0, total - used),
        "needed": needed,
    }


def teaches(campaign: Campaign) -> bool:
    """Tell whether there is something to learn: of questions, one that has options."""
    return not answers.asks(campaign) or bool(answers.questions_of(campaign))


def policy_number(policy: Mapping[str, object], name: str) -> float:
    """Return a number of a policy that `training_policy` has filled in."""
    value = policy[name]
    assert isinstance(value, int | float)
    return float(value)


def runs_trigger() -> int:
    """Queue a run for each open campaign whose policy asks for one; return how many."""
    started = 0
    for campaign in Campaign.objects.filter(state=Campaign.State.OPEN):
        state = refresh_state(campaign)
        if not state["enabled"] or state["needed"] or _cooling(campaign):
            continue
        why = reason("new_labels", labels=state["new_labels"]).text
        try:
            config = run_config(campaign, {})
        except Invalid as error:
            _refuse(campaign, why, str(error))
            continue
        run = run_create(campaign=campaign, actor=None, reason=why, config=config)
        started += run is not None
    return started


@transaction.atomic
def _refuse(campaign: Campaign, why: str, error: str) -> None:
    """Leave a run that failed before it began: a recipe that no longer fits its preset, say."""
    run = run_create(campaign=campaign, actor=None, reason=why, config={})
    if run is not None:
        rows = TrainingRun.objects.filter(pk=run.pk)
        rows.update(state=State.FAILED, error=error, finished_at=now())


def _in_vain(campaign: Campaign) -> bool:
    """Tell whether the last run was cancelled or failed and no label has come since.

    The same labels would end the same way, and a person who cancels wants an end.
    """
    last = campaign.runs.filter(TrainingRun.FROM_ALL).order_by("-id").first()
    if last is None or last.state not in (State.FAILED, State.CANCELLED):
        return False
    return not campaign.tasks.filter(settled_at__gt=last.created_at).exists()


def _cooling(campaign: Campaign) -> bool:
    """Tell whether a run is active, or the last one ended within the cool-down."""
    if campaign.runs.filter(state__in=TrainingRun.ACTIVE).exists():
        return True
    if _in_vain(campaign):
        return True
    seconds = policy_number(training_policy(campaign.training), "cooldown_seconds")
    since = now() - timedelta(seconds=seconds)
    return campaign.runs.filter(TrainingRun.FROM_ALL, finished_at__gt=since).exists()


def run_create(
    *,
    campaign: Campaign,
    actor: User | None,
    reason: str,
    config: Mapping[str, object] | None = None,
    start: str = Start.AUTO,
    donor: ModelVersion | None = None,
    file: Mapping[str, str] | None = None,
    cross: crossval.Cross | None = None,
    variants: Sequence[Mapping[str, object]] = (),
) -> TrainingRun | None:
    """Queue a run; None when one is active already (a constraint, not a race, decides).

    `variants` are those of `cross`, with the configuration of each.
    """
    config = run_config(campaign, {}) if config is None else config
    kind = _kind(cross, variants)
    try:
        with transaction.atomic():
            run = TrainingRun.objects.create(
                campaign=campaign, created_by=actor, reason=reason, seed=campaign.runs.count(),
                config=config, start=start, donor=donor, file=file or {},
                **kind,
            )  # fmt: skip
            record(
                actor_id=actor.pk if actor else None, action="run.create", target=run,
                campaign_id=campaign.pk, reason=reason, start=start, config=config,
                donor=donor.pk if donor else None, file=file, **kind,
            )  # fmt: skip
            return run
    except IntegrityError:
        return None


def _kind(cross: crossval.Cross | None, variants: Sequence[Mapping[str, object]]) -> dict[str, Any]:
    if cross is None:
        return {}
    found = {"kind": TrainingRun.Kind.CROSS, "folds": cross.folds, "ensemble": cross.ensemble}
    return {**found, "best": cross.best, "variants": list(variants)} if variants else found


def run_request(
    *,
    campaign: Campaign,
    actor: User,
    changes: Mapping[str, object] | None = None,
    start: str = Start.AUTO,
    donor: int | None = None,
    handed: Handed | None = None,
    cross: crossval.Cross | None = None,
) -> TrainingRun:
    """Queue a run because a person asks; `changes` are made to the policy's configuration.

    `donor` is the key of the model that a transfer begins with, `handed` one that came as a file;
    its network is taken where none is asked for. Raises Conflict: only free text is
    asked for, no labels yet, or a run is active; Invalid when a value cannot be used or there is no
    model that such a run can begin with.
    """
    if not teaches(campaign):
        words = "A model learns questions with options or a scale; here only free text is asked."
        raise Conflict(words, code="nothing_to_learn")
    if handed is not None:
        origins.check_card(handed.card)
        changes = {**_network_of(handed, campaign), **(changes or {})}
    config, variants = run_config(campaign, changes or {}), []
    if cross is not None:
        start = _cross_start(start)
        crossval.check(campaign, cross)
        variants = [_variant(campaign, changes or {}, each) for each in cross.variants]
        config = variants[0]["config"] if variants else config
    _check_start(campaign, start, config)
    _check_handed(campaign, start, handed, config)
    given = origins.donor_of(campaign, actor, start, donor, config)
    state = refresh_state(campaign)
    if state["settled"] == state["held_out"] or not state["held_out"]:
        raise Conflict(
            "A run needs at least one settled training case and one settled held-out case.",
            code="too_few_labels", detail=state,
        )  # fmt: skip
    run = run_create(
        campaign=campaign, actor=actor, reason=reason("by_hand").text, config=config, start=start,
        donor=given, file=bundle_keep(handed) if handed else None, cross=cross, variants=variants,
    )  # fmt: skip
    if run is None:
        raise Conflict("A training run is active already.", code="run_active")
    return run


def run_config(campaign: Campaign, changes: Mapping[str, object]) -> dict[str, object]:
    """Return the configuration of a run: the campaign's policy with the changes made to it.

    A `recipe` among the changes is laid over the campaign's, field by field. Raises Invalid naming
    the field at fault.
    """
    preset_check(campaign.kind, changes)
    policy = training_policy({**campaign.training, **changes}, campaign.kind)
    return recipe_config(policy, campaign.training.get("recipe", {}))


def recipe_config(policy: Mapping[str, object], before: Mapping[str, object]) -> dict[str, object]:
    """Return the learning core's configuration: a filled-in policy over the recipe `before` it.

    Raises Invalid naming the field at fault.
    """
    recipe = _recipe(policy)
    taken = sorted(SETTINGS & recipe.keys())
    if taken:
        words = f"{taken[0]} has a setting of its own."
        raise Invalid(words, code="bad_config", detail={taken[0]: words})
    config = {
        **_over(before, recipe),
        "preset": policy["preset"],
        "epochs": int(policy_number(policy, "epochs")),
        "minimum_steps": int(policy_number(policy, "minimum_steps")),
        "seconds": policy_number(policy, "seconds"),
        "threads": settings.TRAINING_THREADS,
    }
    try:
        found = TrainConfig.parse(config)
    except ConfigError as error:
        field, _, message = str(error).partition(": ")
        raise Invalid(str(error), code="bad_config", detail={field: message}) from None
    if found.network.kind != TrainConfig.parse({"preset": config["preset"]}).network.kind:
        words = "network.kind is the preset's: it follows from the kind of campaign."
        raise Invalid(words, code="bad_config", detail={"network.kind": words})
    return config


def _recipe(given: Mapping[str, object]) -> Mapping[str, object]:
    recipe = given.get("recipe", {})
    if not isinstance(recipe, Mapping):
        raise Invalid("A recipe is an object of fields.", code="bad_config")
    return recipe


def _over(before: Mapping[str, object], recipe: Mapping[str, object]) -> dict[str, object]:
    """Return a recipe laid over another, field by field, within `network` and `augment` too."""
    found = dict(before)
    for name, value in recipe.items():
        known = found.get(name)
        if isinstance(known, Mapping) and isinstance(value, Mapping):
            found[name] = {**known, **value}
        else:
            found[name] = value
    return found


def recipe_change(*, actor: User, campaign: Campaign, recipe: Mapping[str, object]) -> Campaign:
    """Set the fields of the learning core that this campaign's runs change beside its settings.

    Raises Invalid naming the field at fault.
    """
    return _recipe_set(actor, campaign, {"recipe": dict(recipe)})


def recipe_take(*, actor: User, run: TrainingRun) -> Campaign:
    """Have this campaign's runs do from now on what a cross-validation has chosen.

    Preset, epochs, steps and fields are those that were measured; the time limit stays. Raises
    Conflict where nothing was chosen, Invalid where it no longer fits the campaign.
    """
    chosen = run.choice.get("chosen")
    if chosen is None:
        raise Conflict("This run has chosen no recipe.", code="nothing_chosen")
    config = run.variants[chosen]["config"]
    changes = {name: config[name] for name in ("preset", "epochs", "minimum_steps")}
    recipe = {name: value for name, value in config.items() if name not in SETTINGS}
    return _recipe_set(actor, run.campaign, {**changes, "recipe": recipe}, run=run.pk)


@transaction.atomic
def _recipe_set(
    actor: User, campaign: Campaign, changes: Mapping[str, object], **source: int
) -> Campaign:
    """Change the campaign's policy where it says what runs do; the record has `source` too."""
    row = Campaign.objects.select_for_update(no_key=True).get(pk=campaign.pk)
    preset_check(row.kind, changes)
    recipe_config(training_policy({**row.training, **changes}, row.kind), {})
    row.training = {**row.training, **changes}
    row.save(update_fields=["training"])
    record(
        actor_id=actor.pk, action="campaign.recipe", target=row, campaign_id=row.pk, **changes,
        **source,
    )  # fmt: skip
    return row


def continues(champion: ModelVersion, campaign: Campaign, config: Mapping[str, object]) -> bool:
    """Tell whether a run may go on from the champion: same classes or questions, same network."""
    if is_ensemble(champion.card):
        return False
    asked = answers.questions_of(campaign) if answers.asks(campaign) else []
    drawn = [] if answers.asks(campaign) else classes_of(campaign)
    if (champion.card["classes"], champion.questions) != (drawn, asked):
        return False
    return origins.network_of(champion.card) == TrainConfig.parse(config).network


def _check_start(campaign: Campaign, start: str, config: Mapping[str, object]) -> None:
    if start != Start.CHAMPION:
        return
    champion = champion_of(campaign)
    if champion is None:
        words = "There is no champion to go on from: train from scratch."
    elif not continues(champion, campaign, config):
        words = "The champion has other classes, another or several networks: train from scratch."
    else:
        return
    raise Invalid(words, code="bad_start", detail={"start": words})


def _network_of(handed: Handed, campaign: Campaign) -> dict[str, object]:
    """Return the change to the policy that a file's network asks for; none where none fits."""
    presets = origins.presets_for(handed.card, campaign)
    return {"preset": presets[0]} if presets else {}


def _check_handed(
    campaign: Campaign, start: str, handed: Handed | None, config: Mapping[str, object]
) -> None:
    """Raise Invalid: no file where one is needed, one where none is, or one that does not fit."""
    if (start == Start.FILE) != (handed is not None):
        words = "A file to begin with is for runs with start file, and those need one."
        raise Invalid(words, code="bundle_start", detail={"file": words})
    if handed is not None:
        origins.check_fit(campaign, handed.card, config)
        sha256 = str(handed.card["weights_sha256"])
        origins.check_held_out(campaign, origins.handed_before(sha256))


def _variant(
    campaign: Campaign, changes: Mapping[str, object], variant: crossval.Variant
) -> dict[str, Any]:
    """Return {name, preset, recipe, config} of a variant, as it is kept with the run.

    Raises Invalid naming the field at fault, and the variant.
    """
    asked = {**changes, "recipe": _over(_recipe(changes), variant.recipe)}
    if variant.preset is not None:
        asked["preset"] = variant.preset
    try:
        config = run_config(campaign, asked)
    except Invalid as error:
        named = {field: f"{variant.name}: {told}" for field, told in error.detail.items()}
        raise Invalid(f"{variant.name}: {error}", code="bad_config", detail=named) from None
    return {
        "name": variant.name, "preset": variant.preset, "recipe": dict(variant.recipe),
        "config": config,
    }  # fmt: skip


def _cross_start(start: str) -> str:
    """Return how a cross-validation starts. Raises Invalid for all but from scratch."""
    if start not in (Start.AUTO, Start.SCRATCH):
        words = "A cross-validation is from scratch: other weights may know the left-out patients."
        raise Invalid(words, code="cross_start", detail={"start": words})
    return Start.SCRATCH


def run_cancel(*, run: TrainingRun, actor: User) -> TrainingRun:
    """Ask a run to stop; a queued one ends at once. Raises Conflict when it has ended."""
    with transaction.atomic():
        row = TrainingRun.objects.select_for_update().get(pk=run.pk)
        if row.state not in TrainingRun.ACTIVE:
            raise Conflict("This run has ended already.", code="run_ended")
        row.cancel_requested = True
        if row.state == State.QUEUED:
            row.state, row.finished_at = State.CANCELLED, now()
        row.save(update_fields=["cancel_requested", "state", "finished_at"])
        record(actor_id=actor.pk, action="run.cancel", target=row, campaign_id=row.campaign_id)
        return row
