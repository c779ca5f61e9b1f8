"""Doors of a reader: lease, renew, skip, draft, submit. None waits for a model or a worker."""

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from django.utils.timezone import now
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from annotations import access, amend, queue, submit
from annotations.api import serializers as forms
from annotations.api.base import CampaignView, PolicyView, packed_mask, person
from annotations.explain import explained, explanation_ask
from annotations.findings import findings_now
from annotations.models import Annotation, Assignment, Draft, Question, Suggestion, SuggestionMap
from reticle.accounts.roles import Action
from reticle.errors import NotFound
from reticle.images.models import Image, Series, Study
from reticle.images.render import describe

# Plain SQL, as everything that happens with every case (see annotations.access).
_IMAGE = """
SELECT image.*, series.modality, series.affine, study.patient_key, task.state AS task_state,
    (SELECT count(*) FROM images_image frame WHERE frame.series_id = image.series_id) AS frames
FROM annotations_task task
JOIN images_image image ON image.id = task.image_id
JOIN images_series series ON series.id = image.series_id
JOIN images_study study ON study.id = series.study_id
WHERE task.id = %s
"""

_MAPS = """
SELECT id, suggestion_id, kind, class_index, question, option FROM annotations_suggestionmap
WHERE suggestion_id = ANY(%s) ORDER BY id
"""

Maps = Mapping[int, Sequence[Mapping[str, Any]]]


def why_of(why: Mapping[str, Any]) -> dict[str, Any]:
    """Return the stored reason with every field present.

    Of a blind case nothing is said: that the model chose it says how unsure it is.
    """
    blind = bool(why.get("blind"))
    share = "blind" if blind else why.get("share", "order")
    names = ("strategy", "score", "rank", "place", "of", "model_number", "scored_at")
    return {"share": share, **{name: None if blind else why.get(name) for name in names}}


def maps_of(suggestions: Iterable[int | None]) -> Maps:
    """Return where to fetch the maps of suggestions, by suggestion, all by one statement."""
    wanted = [pk for pk in suggestions if pk is not None]
    found: dict[int, list[dict[str, Any]]] = {pk: [] for pk in wanted}
    for each in SuggestionMap.objects.raw(_MAPS, [wanted]) if wanted else ():
        found[each.suggestion_id].append(
            {
                "kind": each.kind,
                "class_index": each.class_index,
                "question": each.question,
                "option": each.option,
                "url": f"/api/v1/suggestion-maps/{each.pk}",
            }
        )
    return found


def suggestion_of(
    row: Suggestion | None, maps: Maps, questions: Iterable[Question]
) -> dict[str, Any] | None:
    """Return where to fetch the model's drawing and, of `maps`, its own; or what it answers."""
    if row is None:
        return None
    return {
        "id": row.pk,
        "model_number": row.model_number,
        "mask_url": f"/api/v1/suggestions/{row.pk}/mask",
        "findings": findings_now(questions, row.findings),
        "maps": maps[row.pk],
    }


def draft_of(draft: Draft | None, questions: Iterable[Question]) -> dict[str, Any] | None:
    """Return unfinished work with its mask in base64, its answers in the words of the questions."""
    if draft is None:
        return None
    return {
        "sequence": draft.sequence,
        "mask": base64.b64encode(bytes(draft.packed)).decode(),
        "findings": findings_now(questions, draft.findings),
        "unseen": draft.unseen,
        "seconds": draft.seconds_spent,
        "saved_at": draft.saved_at,
    }


def frame_json(frame: queue.Frame, questions: Iterable[Question], maps: Maps) -> dict[str, Any]:
    """Return one frame of a series that is read as a whole: a FrameOutput."""
    return {
        "assignment": frame.assignment.pk,
        "case": frame.assignment.task_id,
        "image": describe(frame.image),
        "suggestion": suggestion_of(frame.assignment.suggestion, maps, questions),
        "draft": draft_of(frame.draft, questions),
    }


def assignment_json(row: Assignment) -> dict[str, Any]:
    """Return a case with everything the workstation needs to show it: an AssignmentOutput.

    Made by hand, since a serializer of sixty fields costs more than the claim itself; a test
    holds the two together.
    """
    image: Any = Image.objects.raw(_IMAGE, [row.task_id])[0]
    image.series = Series(
        id=image.series_id,
        modality=image.modality,
        affine=json.loads(image.affine) if image.affine else None,
        study=Study(patient_key=image.patient_key),
    )
    draft, returned = queue.draft_of(row), queue.returned_to(row)
    questions = row.campaign.questions.all()
    frames = queue.frames_of(row)
    maps = maps_of({row.suggestion_id, *(frame.assignment.suggestion_id for frame in frames)})
    answer = {
        "id": row.pk,
        "campaign": row.campaign.slug,
        "slot": row.slot,
        "state": row.state,
        "token": row.token,
        "round": row.round,
        "leased_until": row.leased_until,
        "server_time": now(),
        "task": {"id": row.task_id, "state": image.task_state, "case": row.task_id},
        "image": describe(image),
        "series": {
            "id": image.series_id,
            "index": image.index,
            "count": image.frames,
        },
        "why": why_of(row.why),
        "suggestion": suggestion_of(row.suggestion, maps, questions),
        "draft": draft_of(draft, questions),
        "returned": None,
        "frames": [frame_json(frame, questions, maps) for frame in frames],
    }
    if returned is not None:
        answer["returned"] = {
            "comment": returned.review.comment,
            "mask_url": f"/api/v1/annotations/{returned.pk}/mask",
            "findings": findings_now(questions, returned.findings),
            "unseen": returned.unseen,
        }
    return answer


class LeaseView(CampaignView):
    """The head of the queue."""

    policy: ClassVar[dict[str, Action | None]] = {"post": Action.READ}

    @extend_schema(request=forms.LeaseInput, responses={200: forms.AssignmentOutput, 204: None})
    def post(self, request: Request, slug: str) -> Response:
        """Give the caller their current or next case; 204 when nothing is left for them."""
        form = forms.LeaseInput(data=request.data)
        form.is_valid(raise_exception=True)
        row = queue.task_lease(
            campaign=self.campaign,
            reader=person(request),
            slot=Assignment.Slot(form.validated_data["slot"]),
        )
        if row is None:
            return Response(status=status.HTTP_204_NO_CONTENT)
        return Response(assignment_json(row))


class AssignmentBase(PolicyView):
    """A door under /assignments/{id}: only the reader who holds it may enter."""

    row: Assignment

    def initial(self, request: Request, *args: object, **kwargs: object) -> None:
        """Find the caller's own assignment, before the input is looked at.

        Raises NotFound for anybody else's.
        """
        super().initial(request, *args, **kwargs)
        pk = int(str(kwargs["pk"]))
        self.row = access.own_assignment(person(request), pk, self.needed())


class AssignmentView(AssignmentBase):
    """One case of the caller."""

    policy: ClassVar[dict[str, Action | None]] = {"get": Action.READ}

    @extend_schema(responses=forms.AssignmentOutput)
    def get(self, request: Request, pk: int) -> Response:
        """Return the case with its draft."""
        return Response(assignment_json(self.row))


class RenewView(AssignmentBase):
    """The heartbeat of a lease."""

    policy: ClassVar[dict[str, Action | None]] = {"post": Action.READ}

    @extend_schema(request=forms.TokenInput, responses=forms.RenewOutput)
    def post(self, request: Request, pk: int) -> Response:
        """Prolong the lease."""
        form = forms.TokenInput(data=request.data)
        form.is_valid(raise_exception=True)
        row = queue.lease_renew(assignment=self.row, token=form.validated_data["token"])
        answer = {"leased_until": row.leased_until, "server_time": now()}
        return Response(forms.RenewOutput(answer).data)


class ReleaseView(AssignmentBase):
    """Skip a case."""

    policy: ClassVar[dict[str, Action | None]] = {"post": Action.READ}

    @extend_schema(request=forms.ReleaseInput, responses={204: None})
    def post(self, request: Request, pk: int) -> Response:
        """Give the place back with a reason."""
        form = forms.ReleaseInput(data=request.data)
        form.is_valid(raise_exception=True)
        queue.lease_release(assignment=self.row, **form.validated_data)
        return Response(status=status.HTTP_204_NO_CONTENT)


class MapsView(AssignmentBase):
    """What the model thinks of a case beside its drawing."""

    policy: ClassVar[dict[str, Action | None]] = {"get": Action.READ, "post": Action.READ}

    @extend_schema(responses=forms.MapsOutput)
    def get(self, request: Request, pk: int) -> Response:
        """Return where to fetch the maps there are, and whether more are being made."""
        return self._answer(explained(self.row))

    @extend_schema(request=None, responses={202: forms.MapsOutput})
    def post(self, request: Request, pk: int) -> Response:
        """Ask for what the model would miss; a worker makes it."""
        return self._answer(explanation_ask(assignment=self.row), status.HTTP_202_ACCEPTED)

    def _answer(self, row: Suggestion, code: int = status.HTTP_200_OK) -> Response:
        answer = {"asked": row.asked_at is not None, "maps": maps_of([row.pk])[row.pk]}
        return Response(forms.MapsOutput(answer).data, status=code)


class DraftView(AssignmentBase):
    """Unfinished work."""

    policy: ClassVar[dict[str, Action | None]] = {"put": Action.READ}

    @extend_schema(request=forms.DraftInput, responses=forms.DraftSaved)
    def put(self, request: Request, pk: int) -> Response:
        """Keep a draft unless an equal or newer one, or another one than `base`, is there."""
        form = forms.DraftInput(data=request.data)
        form.is_valid(raise_exception=True)
        given = dict(form.validated_data)
        packed, box = packed_mask(given["mask"]), given.get("box")
        values = {
            "assignment": self.row, "packed": packed, "sequence": given["sequence"],
            "seconds": given["seconds"], "base": given.get("base"), "said": said(given),
        }  # fmt: skip
        if box is None:
            draft = submit.draft_save(**values)
        else:
            draft = submit.draft_patch(**values, box=tuple(box))
        return Response(
            forms.DraftSaved({"sequence": draft.sequence, "saved_at": draft.saved_at}).data
        )


class SubmitView(AssignmentBase):
    """Finished work."""

    policy: ClassVar[dict[str, Action | None]] = {"post": Action.READ}

    @extend_schema(
        request=forms.SubmitInput,
        responses={201: forms.SubmitOutput, 200: forms.SubmitOutput},
    )
    def post(self, request: Request, pk: int) -> Response:
        """Store the annotation once; the same key again answers 200 with what is stored."""
        form = forms.SubmitInput(data=request.data)
        form.is_valid(raise_exception=True)
        given = form.validated_data
        box = given.get("box")
        values = {
            "assignment": self.row, "token": given["token"], "key": given["key"],
            "packed": packed_mask(given["mask"]), "seconds": given["seconds"], "said": said(given),
        }  # fmt: skip
        if box is None:
            done = submit.annotation_submit(**values, base=given.get("base"))
        else:
            done = submit.annotation_submit_part(
                **values, box=tuple(box), base=given["base"], sha256=given["sha256"]
            )
        return submitted(done)


def said(given: Mapping[str, Any]) -> submit.Said:
    """Return what came beside the drawing."""
    return submit.Said(given["findings"], given["unseen"])


def stored(done: submit.Submission) -> dict[str, Any]:
    """Return what is stored of one submission: a SubmitOutput."""
    return {
        "annotation": done.annotation.pk,
        "mask_sha256": done.annotation.sha256,
        "task_state": done.task.state,
    }


def submitted(done: submit.Submission) -> Response:
    """Answer what is stored: 201 the first time, 200 when the same key came again."""
    code = status.HTTP_200_OK if done.replayed else status.HTTP_201_CREATED
    return Response(forms.SubmitOutput(stored(done)).data, status=code)


def recent_item(row: Annotation, questions: Iterable[Question]) -> dict[str, Any]:
    """Return one of the reader's last answers, and whether it may still be amended."""
    return {
        "annotation": row.pk,
        "assignment": amend.assignment_of(row).pk,
        "case": row.task_id,
        "submitted_at": row.created_at,
        "task_state": row.task.state,
        "thumbnail_url": f"/api/v1/images/{row.task.image_id}/thumbnail",
        "mask_url": f"/api/v1/annotations/{row.pk}/mask",
        "findings": findings_now(questions, row.findings),
        "unseen": row.unseen,
        "hindrance": amend.amend_hindrance(row, row.task, row.task.campaign),
    }


class RecentView(CampaignView):
    """The caller's last ten answers."""

    policy: ClassVar[dict[str, Action | None]] = {"get": Action.READ}

    @extend_schema(responses=forms.RecentOutput(many=True))
    def get(self, request: Request, slug: str) -> Response:
        """List them, newest first."""
        rows = amend.annotations_recent(campaign=self.campaign, reader=person(request))
        questions = self.campaign.questions.all()
        items = [recent_item(row, questions) for row in rows]
        return Response(forms.RecentOutput(items, many=True).data)


class AmendView(PolicyView):
    """A new version of one's own answer."""

    policy: ClassVar[dict[str, Action | None]] = {"post": Action.READ}

    @extend_schema(
        request=forms.AmendInput,
        responses={201: forms.SubmitOutput, 200: forms.SubmitOutput},
    )
    def post(self, request: Request, pk: int) -> Response:
        """Store the new version once; the same key again answers 200 with what is stored."""
        rows = Annotation.objects.select_related("task__campaign")
        row = rows.filter(pk=pk, author=person(request)).first()
        if row is None:
            raise NotFound("There is no such annotation.")
        self.permit(row.task.campaign)
        form = forms.AmendInput(data=request.data)
        form.is_valid(raise_exception=True)
        given = form.validated_data
        done = amend.annotation_amend(
            annotation=row,
            key=given["key"],
            packed=packed_mask(given["mask"]),
            base=given.get("base"),
            said=said(given),
            seconds=given["seconds"],
        )
        return submitted(done)
