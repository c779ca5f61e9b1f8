"""Doors of the learner: curve, models, runs. None of them loads torch or waits for a worker."""

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from annotations.api.base import CampaignView, PolicyView, person
from reticle.accounts.roles import Action
from reticle.errors import NotFound
from training import promote, trigger
from training.models import ModelVersion, TrainingRun

Data = Any


class ClassDice(serializers.Serializer[Data]):
    """Dice of one class on the held-out patients, with its interval."""

    dice = serializers.FloatField(allow_null=True)
    low = serializers.FloatField(allow_null=True, required=False)
    high = serializers.FloatField(allow_null=True, required=False)
    sensitivity = serializers.FloatField(allow_null=True, required=False)
    patients = serializers.IntegerField(allow_null=True, required=False)


class DecisionOutput(serializers.Serializer[Data]):
    """Why a candidate was promoted or not."""

    verdict = serializers.CharField()
    reasons = serializers.ListField(child=serializers.CharField())
    candidate = serializers.FloatField(allow_null=True)
    champion = serializers.FloatField(allow_null=True)
    difference = serializers.FloatField(allow_null=True)
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)
    cases = serializers.ListField(child=serializers.CharField())
    against = serializers.IntegerField(allow_null=True)


class ModelOutput(serializers.Serializer[Data]):
    """A model version with its lineage and its numbers."""

    id = serializers.IntegerField()
    number = serializers.IntegerField()
    state = serializers.ChoiceField(choices=ModelVersion.State.choices)
    created_at = serializers.DateTimeField()
    champion_since = serializers.DateTimeField(allow_null=True)
    scored_at = serializers.DateTimeField(allow_null=True)
    weights_sha256 = serializers.CharField()
    snapshot_sha256 = serializers.CharField()
    labels = serializers.IntegerField(help_text="settled training cases it saw")
    held_out = serializers.IntegerField(help_text="cases it was measured on")
    base_number = serializers.IntegerField(allow_null=True)
    run = serializers.IntegerField()
    mean_dice = serializers.FloatField(allow_null=True)
    classes = serializers.DictField(child=ClassDice())
    decision = DecisionOutput(allow_null=True)
    card = serializers.JSONField()


class EpochOutput(serializers.Serializer[Data]):
    """Metrics of one epoch."""

    epoch = serializers.IntegerField()
    epochs = serializers.IntegerField()
    loss = serializers.FloatField(allow_null=True)
    seconds = serializers.FloatField(allow_null=True)
    eta_seconds = serializers.FloatField(allow_null=True)
    dice = serializers.DictField(child=serializers.FloatField(allow_null=True), allow_null=True)


class RunOutput(serializers.Serializer[Data]):
    """A training run as it stands."""

    id = serializers.IntegerField()
    state = serializers.ChoiceField(choices=TrainingRun.State.choices)
    reason = serializers.CharField()
    attempt = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)
    heartbeat_at = serializers.DateTimeField(allow_null=True)
    cancel_requested = serializers.BooleanField()
    labels = serializers.IntegerField(allow_null=True)
    base_number = serializers.IntegerField(allow_null=True)
    progress = EpochOutput(allow_null=True)
    epochs = EpochOutput(many=True)
    error = serializers.CharField()
    model_number = serializers.IntegerField(allow_null=True)


class RefreshOutput(serializers.Serializer[Data]):
    """How far the next training run is."""

    enabled = serializers.BooleanField()
    settled = serializers.IntegerField()
    held_out = serializers.IntegerField()
    new_labels = serializers.IntegerField()
    needed = serializers.IntegerField(help_text="labels still missing before the next run")


class LearningPoint(serializers.Serializer[Data]):
    """One model on the learning curve."""

    number = serializers.IntegerField()
    labels = serializers.IntegerField()
    at = serializers.DateTimeField()
    state = serializers.ChoiceField(choices=ModelVersion.State.choices)
    mean_dice = serializers.FloatField(allow_null=True)
    classes = serializers.DictField(child=ClassDice())


class LearningOutput(serializers.Serializer[Data]):
    """The learner at a glance: curve, active or last run, next refresh, pending scores."""

    curve = LearningPoint(many=True)
    run = RunOutput(allow_null=True)
    next_refresh = RefreshOutput()
    scoring = serializers.BooleanField(help_text="the champion's scores are being made")


def _evaluation(model: ModelVersion) -> tuple[float | None, dict[str, Any]]:
    newest = model.evaluations.order_by("-id").first()
    if newest is None:
        return None, {}
    return newest.mean_dice, newest.report.get("classes", {})


def run_json(run: TrainingRun) -> dict[str, Any]:
    """Return a run as shown."""
    model = ModelVersion.objects.filter(run=run).first()
    fields = (
        "id", "state", "reason", "attempt", "created_at", "started_at", "finished_at",
        "heartbeat_at", "cancel_requested", "error", "epochs",
    )  # fmt: skip
    return {
        **{name: getattr(run, name) for name in fields},
        "labels": run.snapshot.labels if run.snapshot else None,
        "base_number": run.base.number if run.base else None,
        "progress": run.progress or None,
        "model_number": model.number if model else None,
    }


def model_json(model: ModelVersion) -> dict[str, Any]:
    """Return a model version as shown."""
    mean_dice, classes = _evaluation(model)
    snapshot = model.run.snapshot
    assert snapshot is not None  # a model comes from a run that has its snapshot
    fields = (
        "id", "number", "state", "created_at", "champion_since", "scored_at", "weights_sha256",
        "card",
    )  # fmt: skip
    return {
        **{name: getattr(model, name) for name in fields},
        "snapshot_sha256": snapshot.sha256,
        "labels": snapshot.labels,
        "held_out": snapshot.held_out,
        "base_number": model.run.base.number if model.run.base else None,
        "run": model.run_id,
        "mean_dice": mean_dice,
        "classes": classes,
        "decision": model.decision or None,
    }


class LearningView(CampaignView):
    """The course of learning."""

    policy: ClassVar[dict[str, Action | None]] = {"get": Action.TRACK}

    @extend_schema(responses=LearningOutput)
    def get(self, request: Request, slug: str) -> Response:
        """Return the learning curve, the current run and the next refresh."""
        curve = []
        for model in self.campaign.models.select_related("run__snapshot").order_by("number"):
            mean_dice, classes = _evaluation(model)
            curve.append(
                {
                    "number": model.number,
                    "labels": model.run.snapshot.labels if model.run.snapshot else 0,
                    "at": model.created_at,
                    "state": model.state,
                    "mean_dice": mean_dice,
                    "classes": classes,
                }
            )
        run = self.campaign.runs.select_related("snapshot", "base").order_by("-id").first()
        champion = promote.champion_of(self.campaign)
        answer = {
            "curve": curve,
            "run": run_json(run) if run else None,
            "next_refresh": trigger.refresh_state(self.campaign),
            "scoring": champion is not None and champion.scored_at is None,
        }
        return Response(LearningOutput(answer).data)


class ModelsView(CampaignView):
    """All model versions."""

    policy: ClassVar[dict[str, Action | None]] = {"get": Action.TRACK}

    @extend_schema(responses=ModelOutput(many=True))
    def get(self, request: Request, slug: str) -> Response:
        """List models, newest first."""
        rows = self.campaign.models.select_related("run__snapshot", "run__base").order_by("-number")
        return Response(ModelOutput([model_json(row) for row in rows], many=True).data)


class RunsView(CampaignView):
    """Training runs."""

    policy: ClassVar[dict[str, Action | None]] = {"get": Action.TRACK, "post": Action.MANAGE}

    @extend_schema(responses=RunOutput(many=True))
    def get(self, request: Request, slug: str) -> Response:
        """List the newest fifty."""
        rows = self.campaign.runs.select_related("snapshot", "base").order_by("-id")[:50]
        return Response(RunOutput([run_json(row) for row in rows], many=True).data)

    @extend_schema(request=None, responses={201: RunOutput})
    def post(self, request: Request, slug: str) -> Response:
        """Train now."""
        run = trigger.run_request(campaign=self.campaign, actor=person(request))
        run.refresh_from_db()
        return Response(RunOutput(run_json(run)).data, status=status.HTTP_201_CREATED)


class RunCancelView(PolicyView):
    """Stop a run."""

    policy: ClassVar[dict[str, Action | None]] = {"post": Action.MANAGE}

    @extend_schema(request=None, responses=RunOutput)
    def post(self, request: Request, pk: int) -> Response:
        """Ask the worker to stop; the live model stays."""
        run = TrainingRun.objects.select_related("campaign").filter(pk=pk).first()
        if run is None:
            raise NotFound("There is no such run.")
        self.permit(run.campaign)
        row = trigger.run_cancel(run=run, actor=person(request))
        return Response(RunOutput(run_json(row)).data)


class PromoteView(PolicyView):
    """Make a model the champion by hand."""

    policy: ClassVar[dict[str, Action | None]] = {"post": Action.MANAGE}

    @extend_schema(request=None, responses=ModelOutput)
    def post(self, request: Request, pk: int) -> Response:
        """Promote; the queue is re-ordered when the worker has scored the pool."""
        model = (
            ModelVersion.objects.select_related("campaign", "run__snapshot").filter(pk=pk).first()
        )
        if model is None:
            raise NotFound("There is no such model.")
        self.permit(model.campaign)
        row = promote.model_promote(model=model, actor=person(request), reason="by hand")
        return Response(ModelOutput(model_json(row)).data)


class RollbackView(CampaignView):
    """Go back to the champion before."""

    policy: ClassVar[dict[str, Action | None]] = {"post": Action.MANAGE}

    @extend_schema(request=None, responses=ModelOutput)
    def post(self, request: Request, slug: str) -> Response:
        """Bring the earlier champion back."""
        row = promote.model_rollback(campaign=self.campaign, actor=person(request))
        return Response(ModelOutput(model_json(row)).data)
