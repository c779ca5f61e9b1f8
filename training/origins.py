"""STEP origins: whose weights a run may begin with, asked before it is queued.

A model of any campaign that the person may track lends its weights by name, and so does one handed
in as a file: the body as it is, the head by the names of classes (`training.ml.origin`). Only the
same network and the same number of channels fit; a person is told here, not by a run that fails.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from annotations.access import campaigns_allowing
from annotations.campaigns import PRESETS_OF
from annotations.models import Campaign
from reticle.accounts.models import User
from reticle.accounts.roles import Action
from reticle.errors import Invalid
from training.ensemble import is_ensemble
from training.ml.config import PRESETS as CONFIGS
from training.ml.config import ConfigError, NetworkConfig, TrainConfig
from training.models import ModelVersion, TrainingRun

Card = Mapping[str, Any]
"""What model.json says of a model."""


def network_of(card: Card) -> NetworkConfig:
    """Return the shape of a model's network, from its card. Raises ConfigError for an odd one."""
    shape = card["architecture"]
    return NetworkConfig.parse({name: value for name, value in shape.items() if name != "name"})


def presets_for(card: Card, campaign: Campaign) -> list[str]:
    """Return the campaign's presets that could begin with the model's weights; none of several."""
    if is_ensemble(card):
        return []
    network = network_of(card)
    return [name for name in PRESETS_OF[campaign.kind] if network.lends_to(CONFIGS[name].network)]


def donors_for(campaign: Campaign, person: User) -> list[dict[str, Any]]:
    """Return {id, campaign, number, labels, presets} of each champion that fits, by campaign.

    Of campaigns that the person may track; this one's champion among them, since after a change of
    classes its weights are still worth having.
    """
    champions = ModelVersion.objects.filter(
        state=ModelVersion.State.CHAMPION, campaign__in=campaigns_allowing(person, Action.TRACK)
    ).select_related("campaign", "run__snapshot")
    channels, held_out = _channels(campaign), _held_out(campaign)
    rows = []
    for model in champions.order_by("campaign__name", "campaign_id"):
        presets = presets_for(model.card, campaign)
        fits = presets and model.card.get("in_channels") == channels
        if not fits or held_out & learned([model]):
            continue
        snapshot = model.run.snapshot
        rows.append(
            {
                "id": model.pk, "campaign": model.campaign.name, "number": model.number,
                "labels": snapshot.labels if snapshot else 0, "presets": presets,
            }
        )  # fmt: skip
    return rows


def donor_of(
    campaign: Campaign,
    person: User,
    start: str,
    donor: int | None,
    config: Mapping[str, object],
) -> ModelVersion | None:
    """Return the model a transfer begins with; None for every other start.

    Raises Invalid: none is named, none is wanted, the person may not track its campaign (as if it
    did not exist), or it does not fit, with what to choose instead.
    """
    if start != TrainingRun.Start.TRANSFER:
        if donor is not None:
            words = "A model to begin with is for runs with start transfer."
            raise Invalid(words, code="bad_donor", detail={"donor": words})
        return None
    model = ModelVersion.objects.filter(
        pk=donor or 0, campaign__in=campaigns_allowing(person, Action.TRACK)
    ).first()
    if model is None:
        words = "Name the model to begin with: one of a campaign whose models you may see."
        raise Invalid(words, code="bad_donor", detail={"donor": words})
    check_fit(campaign, model.card, config)
    check_held_out(campaign, [model])
    return model


def check_held_out(campaign: Campaign, models: Iterable[ModelVersion]) -> None:
    """Raise Invalid where weights have seen patients on whom the campaign measures its models."""
    seen = _held_out(campaign) & learned(models)
    if seen:
        words = (
            f"The model to begin with has learned from {len(seen)} of this campaign's held-out "
            "patients, so that no later model could be measured fairly. Take a model of other "
            "patients, or train from scratch."
        )
        raise Invalid(words, code="donor_held_out", detail={"donor": words})


def learned(models: Iterable[ModelVersion]) -> set[str]:
    """Return the patients whom models, and all whose weights they began with, have learned from."""
    found: set[str] = set()
    waiting, met = list(models), set[int]()
    while waiting:
        model = waiting.pop()
        if model.pk in met:
            continue
        met.add(model.pk)
        run = model.run
        if run.snapshot is not None:
            found |= {str(row["patient"]) for row in run.snapshot.manifest["training"]}
        if run.start == TrainingRun.Start.PRETRAINED:
            found |= _pool(run.campaign)
        waiting += [each for each in (run.base, run.donor) if each is not None]
        waiting += handed_before(run.file.get("weights_sha256"))
    return found


def handed_before(weights_sha256: str | None) -> list[ModelVersion]:
    """Return the models of this installation that have these weights; none of unknown ones."""
    if not weights_sha256:
        return []
    return list(ModelVersion.objects.filter(weights_sha256=weights_sha256))


def check_card(card: Card) -> None:
    """Raise Invalid where a card that was handed in lacks what a beginning is judged by."""
    try:
        network_of(card)
        well = card["in_channels"] == card["preprocessing"]["channels"]
    except (AttributeError, ConfigError, KeyError, TypeError):
        well = False
    if not well:
        words = "The file's model.json is of no model that can be begun with: hand in another."
        raise Invalid(words, code="bundle_card", detail={"file": words})


def check_fit(campaign: Campaign, card: Card, config: Mapping[str, object]) -> None:
    """Raise Invalid where a model cannot begin such a run, with what to choose instead."""
    presets = presets_for(card, campaign)
    if is_ensemble(card) or not network_of(card).lends_to(TrainConfig.parse(config).network):
        fix = f"choose the network {' or '.join(presets)}" if presets else "take another model"
        words = f"The model to begin with has another network: {fix}."
        raise Invalid(words, code="donor_network", detail={"donor": words, "presets": presets})
    seen, shown = card.get("in_channels"), _channels(campaign)
    if seen != shown:
        words = (
            f"The model to begin with sees images of {seen} channel(s), those of this campaign "
            f"have {shown}: take a model of such images, or train from scratch."
        )
        raise Invalid(words, code="donor_channels", detail={"donor": words})


def _held_out(campaign: Campaign) -> set[str]:
    rows = campaign.tasks.filter(held_out=True)
    return set(rows.values_list("image__series__study__patient_key", flat=True))


def _pool(campaign: Campaign) -> set[str]:
    """Return whom a run may have been pre-trained on: all patients of the pool.

    Which images it took is not kept, and the pool grows: rather one too many than one too few.
    """
    rows = campaign.tasks.filter(held_out=False)
    return set(rows.values_list("image__series__study__patient_key", flat=True))


def _channels(campaign: Campaign) -> int | None:
    """Return the channels of the campaign's images; None when it has none yet."""
    return campaign.tasks.order_by("id").values_list("image__channels", flat=True).first()
