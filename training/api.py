"""Doors of the learner: curve, models, runs. None of them loads torch or waits for a worker."""

import hashlib
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import HttpResponse, StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from annotations.api.base import CampaignView, PolicyView, immutable_bytes, person
from annotations.api.reading import AssignmentBase
from annotations.models import Campaign, Export
from reticle import storage
from reticle.accounts.roles import Action
from reticle.errors import Conflict, Invalid, NotFound
from training import (
    beside,
    bundle,
    cold,
    compare,
    compare_forms,
    crossval,
    curve,
    model_forms,
    near,
    onnx,
    origins,
    picture,
    promote,
    report,
    run_forms,
    shared,
    trials,
    trigger,
    unreadable,
)
from training.card import card_of
from training.models import ModelVersion, OnnxFile, TrainingRun
from training.reasons import run_reason, stored_reason

CROSS_FIELDS = ("folds", "ensemble", "variants", "best")


def runs_of(campaign: Campaign) -> QuerySet[TrainingRun]:
    """Return a campaign's runs, newest first, with what is shown of them and no more.

    A manifest has a row for every label.
    """
    rows = campaign.runs.select_related("snapshot", "base", "donor__campaign", "model")
    return rows.defer("snapshot__manifest", "model__unfamiliar").order_by("-id")


def models_of(campaign: Campaign) -> QuerySet[ModelVersion]:
    """Return a campaign's models with what is shown of them, without manifests."""
    rows = campaign.models.select_related("run__snapshot", "run__base")
    return rows.defer("run__snapshot__manifest", "unfamiliar")


def points_of(campaign: Campaign) -> list[ModelVersion]:
    """Return a campaign's models with no more than a curve says of each: pages ask every 2 s."""
    fields = ("number", "created_at", "champion_since", "state", "card")
    snapshot = ("run__snapshot__labels", "run__snapshot__created_at")
    rows = campaign.models.select_related("run__snapshot").order_by("number")
    return list(rows.only("campaign", *fields, *snapshot))


def run_json(run: TrainingRun) -> dict[str, Any]:
    """Return a run as shown."""
    model = getattr(run, "model", None)
    fields = (
        "id", "state", "attempt", "created_at", "started_at", "finished_at",
        "heartbeat_at", "cancel_requested", "error", "epochs", "start", "config", "seed",
        "kind", "folds", "ensemble", "variants", "best",
    )  # fmt: skip
    return {
        **{name: getattr(run, name) for name in fields},
        "reason": run_reason(run.reason),
        "labels": run.snapshot.labels if run.snapshot else None,
        "held_out": run.snapshot.held_out if run.snapshot else None,
        "base_number": run.base.number if run.base else None,
        "donor": report.donor_row(run),
        "file": run.file.get("name"),
        "ahead": report.runs_ahead(run),
        "progress": run.progress or None,
        "choice": run.choice or None,
        "report": run.report or None,
        "model_number": model.number if model else None,
    }


def model_json(model: ModelVersion, scores: dict[str, Any] | None) -> dict[str, Any]:
    """Return a model version as shown, with its numbers (`report.scores_of`) if it has any."""
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
        **(scores or _unmeasured(model)),
        "decision": report.decision_of(model),
    }


def _unmeasured(model: ModelVersion) -> dict[str, Any]:
    return {"measured_on": None, **report.scores_of({"questions": {}} if model.questions else {})}


def _with_scores(model: ModelVersion) -> dict[str, Any]:
    return model_json(model, curve.versions_of(model.campaign).get(model.pk))


def _detail(model: ModelVersion) -> dict[str, Any]:
    return {**_with_scores(model), **report.report_of(model, curve.evaluation_of(model))}


class LearningView(CampaignView):
    """The course of learning."""

    policy: ClassVar[dict[str, Action | None]] = {"get": Action.TRACK}

    @extend_schema(responses=run_forms.LearningOutput)
    def get(self, request: Request, slug: str) -> Response:
        """Return the learning curve, the current run and the next refresh."""
        shown, measured = curve.curve_of(self.campaign)
        scores = curve.others_of(self.campaign, shown)
        models = points_of(self.campaign)
        frozen = [model.run.snapshot.created_at for model in models if model.run.snapshot]
        minutes = report.minutes_before(self.campaign, frozen)
        points = []
        for model in models:
            snapshot = model.run.snapshot
            points.append(
                {
                    "number": model.number,
                    "labels": snapshot.labels if snapshot else 0,
                    "minutes": minutes[snapshot.created_at] if snapshot else 0.0,
                    "crowned": model.champion_since is not None,
                    "shown": model.pk in shown,
                    "measured_on": None,
                    "at": model.created_at,
                    "state": model.state,
                    **(shown.get(model.pk) or scores.get(model.pk) or _unmeasured(model)),
                }
            )
        run = runs_of(self.campaign).first()
        champion = promote.champion_of(self.campaign)
        before = promote.champion_before(self.campaign)
        answer = {
            "curve": points,
            "measured": measured,
            "run": run_json(run) if run else None,
            "next_refresh": trigger.refresh_state(self.campaign),
            "scoring": champion is not None and champion.scored_at is None,
            "scoring_error": champion.scoring_error if champion else "",
            "rollback_to": before.number if before else None,
            "unreadable": len(champion.unreadable) if champion else 0,
            "selection": (champion.selection or None) if champion else None,
            "cold_order": cold.cold_state(self.campaign),
        }
        return Response(run_forms.LearningOutput(answer).data)


class UnreadableView(CampaignView):
    """Images that the champion could not read."""

    # With the names of their files, which are the data managers' alone.
    policy: ClassVar[dict[str, Action | None]] = {"get": Action.MANAGE}

    @extend_schema(responses=run_forms.UnreadableOutput(many=True))
    def get(self, request: Request, slug: str) -> Response:
        """List the first hundred, with what is wrong and the file each came in."""
        found = unreadable.unreadable_of(self.campaign)
        return Response(run_forms.UnreadableOutput(found, many=True).data)


class ModelsView(CampaignView):
    """All model versions."""

    policy: ClassVar[dict[str, Action | None]] = {"get": Action.TRACK}

    @extend_schema(responses=model_forms.ModelOutput(many=True))
    def get(self, request: Request, slug: str) -> Response:
        """List models, newest first."""
        rows = models_of(self.campaign).order_by("-number")
        scores = curve.versions_of(self.campaign)
        found = [model_json(row, scores.get(row.pk)) for row in rows]
        return Response(model_forms.ModelOutput(found, many=True).data)


class RunsView(CampaignView):
    """Training runs."""

    policy: ClassVar[dict[str, Action | None]] = {"get": Action.TRACK, "post": Action.MANAGE}

    @extend_schema(responses=run_forms.RunOutput(many=True))
    def get(self, request: Request, slug: str) -> Response:
        """List the newest fifty."""
        rows = runs_of(self.campaign)[:50]
        return Response(run_forms.RunOutput([run_json(row) for row in rows], many=True).data)

    @extend_schema(request=run_forms.RunInput, responses={201: run_forms.RunOutput})
    def post(self, request: Request, slug: str) -> Response:
        """Train now, as the campaign's policy says or as asked for."""
        form = run_forms.RunInput(data=request.data)
        form.is_valid(raise_exception=True)
        changes = dict(form.validated_data)
        start = str(changes.pop("start", TrainingRun.Start.AUTO))
        donor, file = changes.pop("donor", None), changes.pop("file", None)
        handed = bundle.bundle_read(file.file, file.name) if file else None
        run = trigger.run_request(
            campaign=self.campaign, actor=person(request), start=start, donor=donor, handed=handed,
            cross=_cross(changes), changes=changes,
        )  # fmt: skip
        run.refresh_from_db()
        return Response(run_forms.RunOutput(run_json(run)).data, status=status.HTTP_201_CREATED)


class RecipeView(CampaignView):
    """What a campaign's runs do otherwise than their preset says."""

    policy: ClassVar[dict[str, Action | None]] = {"get": Action.TRACK, "put": Action.MANAGE}

    @extend_schema(responses=run_forms.Recipe)
    def get(self, request: Request, slug: str) -> Response:
        """Return the recipe; empty where nothing is changed."""
        return Response({"recipe": self.campaign.training.get("recipe", {})})

    @extend_schema(request=run_forms.Recipe, responses=run_forms.Recipe)
    def put(self, request: Request, slug: str) -> Response:
        """Change it, for the runs that begin from now on."""
        form = run_forms.Recipe(data=request.data)
        form.is_valid(raise_exception=True)
        recipe = form.validated_data["recipe"]
        row = trigger.recipe_change(actor=person(request), campaign=self.campaign, recipe=recipe)
        return Response({"recipe": row.training["recipe"]})


class DonorsView(CampaignView):
    """What a run may begin with."""

    policy: ClassVar[dict[str, Action | None]] = {"get": Action.MANAGE}

    @extend_schema(responses=run_forms.DonorChoice(many=True))
    def get(self, request: Request, slug: str) -> Response:
        """List champions whose images have as many channels, of campaigns the person tracks."""
        found = origins.donors_for(self.campaign, person(request))
        return Response(run_forms.DonorChoice(found, many=True).data)


class RunBase(PolicyView):
    """A door to one run."""

    def run(self, pk: int) -> TrainingRun:
        """Return the run. Raises NotFound, also for runs of other people's campaigns."""
        rows = TrainingRun.objects.select_related("campaign", "snapshot", "base", "donor__campaign")
        run = rows.filter(pk=pk).first()
        if run is None:
            raise NotFound("There is no such run.")
        self.permit(run.campaign)
        return run


class RunView(RunBase):
    """One run."""

    policy: ClassVar[dict[str, Action | None]] = {"get": Action.TRACK}

    @extend_schema(responses=run_forms.RunDetailOutput)
    def get(self, request: Request, pk: int) -> Response:
        """Return the run and what happened to it."""
        run = self.run(pk)
        answer = {**run_json(run), "events": report.events_of(run)}
        return Response(run_forms.RunDetailOutput(answer).data)


class RunCancelView(RunBase):
    """Stop a run."""

    policy: ClassVar[dict[str, Action | None]] = {"post": Action.MANAGE}

    @extend_schema(request=None, responses=run_forms.RunOutput)
    def post(self, request: Request, pk: int) -> Response:
        """Ask the worker to stop; the live model stays."""
        row = trigger.run_cancel(run=self.run(pk), actor=person(request))
        return Response(run_forms.RunOutput(run_json(row)).data)


class RunRecipeView(RunBase):
    """The recipe that a cross-validation has chosen."""

    policy: ClassVar[dict[str, Action | None]] = {"post": Action.MANAGE}

    @extend_schema(request=None, responses=run_forms.Recipe)
    def post(self, request: Request, pk: int) -> Response:
        """Make it the campaign's, for the runs that begin from now on; return its fields."""
        row = trigger.recipe_take(actor=person(request), run=self.run(pk))
        return Response({"recipe": row.training["recipe"]})


class ModelBase(PolicyView):
    """A door to one model."""

    def model(self, pk: int) -> ModelVersion:
        """Return the model. Raises NotFound, also for models of other people's campaigns."""
        rows = ModelVersion.objects.select_related("campaign", "run__snapshot", "run__base")
        model = rows.filter(pk=pk).first()
        if model is None:
            raise NotFound("There is no such model.")
        self.permit(model.campaign)
        return model


class ModelView(ModelBase):
    """One model version."""

    policy: ClassVar[dict[str, Action | None]] = {"get": Action.TRACK}

    @extend_schema(responses=model_forms.ModelDetailOutput)
    def get(self, request: Request, pk: int) -> Response:
        """Return the model and everything that was measured of it."""
        model = self.model(pk)
        return Response(model_forms.ModelDetailOutput(_detail(model)).data)


class CardView(ModelBase):
    """The model's card."""

    policy: ClassVar[dict[str, Action | None]] = {"get": Action.TRACK}

    @extend_schema(responses={(200, "text/markdown"): OpenApiTypes.STR})
    def get(self, request: Request, pk: int) -> HttpResponse:
        """Download the card as Markdown."""
        model = self.model(pk)
        answer = HttpResponse(card_of(model), content_type="text/markdown; charset=utf-8")
        name = f"{model.campaign.slug}-v{model.number}.md"
        answer["Content-Disposition"] = f'attachment; filename="{name}"'
        return answer


class BundleView(ModelBase):
    """The model itself."""

    policy: ClassVar[dict[str, Action | None]] = {"get": Action.TRACK}

    @extend_schema(responses={(200, "application/zip"): OpenApiTypes.BINARY})
    def get(self, request: Request, pk: int) -> StreamingHttpResponse:
        """Download weights, plan and card as a zip."""
        model = self.model(pk)
        name = f"{model.campaign.slug}-v{model.number}.zip"
        answer = StreamingHttpResponse(bundle.bundle_of(model), content_type="application/zip")
        answer["Content-Disposition"] = f'attachment; filename="{name}"'
        return answer


def onnx_json(model: ModelVersion) -> dict[str, Any]:
    """Return what is known of the model's ONNX file."""
    row = OnnxFile.objects.filter(model=model).first()
    file = row and {
        **{name: getattr(row, name) for name in ("state", "sha256", "size", "difference")},
        "reason": stored_reason(row.reason) if row.reason else None,
        "file_url": f"/api/v1/models/{model.pk}/onnx/file" if row.sha256 else None,
    }
    return {"hindrance": onnx.onnx_hindrance(model), "file": file}


class OnnxView(ModelBase):
    """The model as one file for other programs."""

    policy: ClassVar[dict[str, Action | None]] = {"get": Action.TRACK, "post": Action.TRACK}

    @extend_schema(responses=model_forms.OnnxOutput)
    def get(self, request: Request, pk: int) -> Response:
        """Return how far it is."""
        return Response(model_forms.OnnxOutput(onnx_json(self.model(pk))).data)

    @extend_schema(request=None, responses={202: model_forms.OnnxOutput})
    def post(self, request: Request, pk: int) -> Response:
        """Ask for it: a worker makes it. Again after it failed; what is there stays."""
        model = self.model(pk)
        onnx.onnx_ask(model=model, actor=person(request))
        answer = model_forms.OnnxOutput(onnx_json(model)).data
        return Response(answer, status=status.HTTP_202_ACCEPTED)


class OnnxFileView(ModelBase):
    """That file itself."""

    policy: ClassVar[dict[str, Action | None]] = {"get": Action.TRACK}

    @extend_schema(responses={(200, "application/octet-stream"): OpenApiTypes.BINARY})
    def get(self, request: Request, pk: int) -> StreamingHttpResponse:
        """Download it: preprocessing, network and what the outputs mean. Conflict before it is."""
        model = self.model(pk)
        row = OnnxFile.objects.filter(model=model, state=Export.State.DONE).first()
        if row is None:
            raise Conflict("The export is not ready yet.", code="not_ready")
        answer = StreamingHttpResponse(
            storage.pieces(row.sha256), content_type="application/octet-stream"
        )
        name = f"{model.campaign.slug}-v{model.number}.onnx"
        answer["Content-Disposition"] = f'attachment; filename="{name}"'
        answer["Content-Length"] = str(row.size)
        return answer


class RobustnessView(ModelBase):
    """How the model holds up when images get worse."""

    policy: ClassVar[dict[str, Action | None]] = {"post": Action.MANAGE}

    @extend_schema(request=None, responses={202: model_forms.ModelDetailOutput})
    def post(self, request: Request, pk: int) -> Response:
        """Ask for it: a worker measures it when nothing else waits. What is there stays."""
        model = self.model(pk)
        row = trials.trial_ask(model=model, actor=person(request))
        model.robustness = row.robustness
        answer = model_forms.ModelDetailOutput(_detail(model))
        return Response(answer.data, status=status.HTTP_202_ACCEPTED)


class CompareView(ModelBase):
    """Two models side by side."""

    policy: ClassVar[dict[str, Action | None]] = {"get": Action.TRACK}

    @extend_schema(
        parameters=[OpenApiParameter("against", int, required=True)],
        responses=compare_forms.CompareOutput,
    )
    def get(self, request: Request, pk: int) -> Response:
        """Compare with another model of the campaign, on held-out cases both were measured on."""
        model = self.model(pk)
        number = _whole(request, "against")
        other = model.campaign.models.select_related("campaign").filter(number=number).first()
        if other is None:
            words = "There is no model of this number in the campaign."
            raise Invalid(words, code="no_such_model", detail={"against": words})
        answer = {
            **compare.compared(model, other),
            "shared": shared.shared_cases(model, other),
            "silent": shared.silent(model, other),
        }
        return Response(compare_forms.CompareOutput(answer).data)


class DrawingView(ModelBase):
    """What a model drew."""

    policy: ClassVar[dict[str, Action | None]] = {"get": Action.TRACK}

    @extend_schema(
        parameters=[OpenApiParameter("image", int, required=True)],
        responses={(200, "image/png"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, pk: int) -> HttpResponse:
        """Return a PNG of an image that is not held out, with the model's drawing on it."""
        model = self.model(pk)
        body = picture.drawing(model, _whole(request, "image"))
        tag = hashlib.sha256(body).hexdigest()
        return immutable_bytes(request, body, tag, "image/png", gzipped=False)


class LabelView(ModelBase):
    """What people settled, to be looked at beside what a model drew or answered."""

    policy: ClassVar[dict[str, Action | None]] = {"get": Action.TRACK}

    @extend_schema(
        parameters=[OpenApiParameter("image", int, required=True)],
        responses={(200, "image/png"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, pk: int) -> HttpResponse:
        """Return a PNG of an image that is not held out, with its label if there is one."""
        body = picture.label(self.model(pk), _whole(request, "image"))
        # A case may yet be settled, or its label amended.
        return HttpResponse(body, content_type="image/png", headers={"Cache-Control": "no-store"})


class NeighboursView(AssignmentBase):
    """The labelled cases that the model holds to be most like the case at hand."""

    policy: ClassVar[dict[str, Action | None]] = {"get": Action.READ}

    @extend_schema(responses=model_forms.NeighbourOutput(many=True))
    def get(self, request: Request, pk: int) -> Response:
        """List them, the nearest first; none for a blind case."""
        rows = [
            {
                "image": image.pk,
                "patient": image.series.study.patient_key,
                "slice": image.index,
                "picture_url": f"/api/v1/assignments/{pk}/neighbours/{image.pk}",
            }
            for image in near.neighbours(self.row)
        ]
        return Response(model_forms.NeighbourOutput(rows, many=True).data)


class NeighbourView(AssignmentBase):
    """One of those cases."""

    policy: ClassVar[dict[str, Action | None]] = {"get": Action.READ}

    @extend_schema(responses={(200, "image/png"): OpenApiTypes.BINARY})
    def get(self, request: Request, pk: int, image: int) -> HttpResponse:
        """Return a PNG of the image with what people drew on it."""
        body = near.neighbour_picture(self.row, image)
        tag = hashlib.sha256(body).hexdigest()
        return immutable_bytes(request, body, tag, "image/png", gzipped=False)


def _cross(asked: dict[str, Any]) -> crossval.Cross | None:
    """Take what is asked of a cross-validation out of the form, if one is asked for.

    Raises Invalid for what any other run was to do of it, naming the field.
    """
    kind = asked.pop("kind", TrainingRun.Kind.TRAIN)
    given = [name for name in CROSS_FIELDS if asked.get(name)]
    if kind != TrainingRun.Kind.CROSS and given:
        words = "This field is of a cross-validation: runs of kind cross."
        raise Invalid(words, code="cross_only", detail=dict.fromkeys(given, words))
    variants = tuple(crossval.Variant(**row) for row in asked.pop("variants", ()))
    cross = crossval.Cross(
        asked.pop("folds", crossval.FOLDS[0]), asked.pop("ensemble", False), variants,
        asked.pop("best", False),
    )  # fmt: skip
    return cross if kind == TrainingRun.Kind.CROSS else None


def _whole(request: Request, name: str) -> int:
    """Return a whole number of the query. Raises Invalid naming it."""
    text = request.query_params.get(name, "")
    if not text.isdecimal() or len(text) > 18:
        words = f"{name} must be a whole number."
        raise Invalid(words, code="not_whole", detail={name: "a whole number"})
    return int(text)


def _reason(request: Request) -> str:
    form = model_forms.ReasonInput(data=request.data)
    form.is_valid(raise_exception=True)
    return str(form.validated_data["reason"])


class PromoteView(ModelBase):
    """Make a model the champion by hand."""

    policy: ClassVar[dict[str, Action | None]] = {"post": Action.MANAGE}

    @extend_schema(request=model_forms.ReasonInput, responses=model_forms.ModelOutput)
    def post(self, request: Request, pk: int) -> Response:
        """Promote; the queue is re-ordered when the worker has scored the pool."""
        model = self.model(pk)
        row = promote.model_promote(model=model, actor=person(request), reason=_reason(request))
        return Response(model_forms.ModelOutput(_with_scores(row)).data)


class ShadowView(CampaignView):
    """The model that runs beside the champion."""

    policy: ClassVar[dict[str, Action | None]] = {"get": Action.TRACK}

    @extend_schema(responses=compare_forms.ShadowOutput)
    def get(self, request: Request, slug: str) -> Response:
        """Return the shadow, if there is one, beside the champion."""
        return Response(
            compare_forms.ShadowOutput({"shadow": beside.beside_of(self.campaign)}).data
        )


class EndShadowView(ModelBase):
    """End a model's time in the shadow."""

    policy: ClassVar[dict[str, Action | None]] = {"post": Action.MANAGE}

    @extend_schema(request=model_forms.ReasonInput, responses=model_forms.ModelOutput)
    def post(self, request: Request, pk: int) -> Response:
        """Take it out of the shadow; it can still be promoted by hand."""
        model = self.model(pk)
        row = promote.shadow_end(model=model, actor=person(request), reason=_reason(request))
        return Response(model_forms.ModelOutput(_with_scores(row)).data)


class RollbackView(CampaignView):
    """Go back to the champion before."""

    policy: ClassVar[dict[str, Action | None]] = {"post": Action.MANAGE}

    @extend_schema(request=model_forms.RollbackInput, responses=model_forms.ModelOutput)
    def post(self, request: Request, slug: str) -> Response:
        """Bring the earlier champion back."""
        form = model_forms.RollbackInput(data=request.data)
        form.is_valid(raise_exception=True)
        row = promote.model_rollback(
            campaign=self.campaign, actor=person(request), **form.validated_data
        )
        return Response(model_forms.ModelOutput(_with_scores(row)).data)
