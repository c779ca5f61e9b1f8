"""Doors of remarks and flags: a reader's on their own case, and a reviewer's on every case."""

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from annotations import remarks
from annotations.api import review_forms as forms
from annotations.api.base import CampaignView, PolicyView, person
from annotations.api.reading import AssignmentBase
from annotations.models import Remark, Task
from reticle.accounts.models import User
from reticle.accounts.roles import Action
from reticle.errors import NotFound


def remark_json(row: Remark, user: User) -> dict[str, Any]:
    """Return a remark: a RemarkOutput."""
    place = None if row.x is None else {"x": row.x, "y": row.y}
    return {
        "id": row.pk,
        "case": row.task_id,
        "image": row.task.image_id,
        "author": row.author.username,
        "mine": row.author_id == user.pk,
        "text": row.text,
        "place": place,
        "flag": row.flag,
        "settled": row.settled_at is not None,
        "created_at": row.created_at,
    }


def add(request: Request, task: Task) -> Response:
    """Keep the remark in the request and answer it."""
    form = forms.RemarkInput(data=request.data)
    form.is_valid(raise_exception=True)
    given = form.validated_data
    place = given["place"]
    row = remarks.remark_add(
        task=task, author=person(request), text=given["text"], flag=given["flag"],
        place=(place["x"], place["y"]) if place else None,
    )  # fmt: skip
    answer = forms.RemarkOutput(remark_json(row, person(request))).data
    return Response(answer, status=status.HTTP_201_CREATED)


def listed(request: Request, task: Task, *, all_readers: bool) -> Response:
    """Answer what this person may see."""
    rows = remarks.remarks_visible(task=task, user=person(request), all_readers=all_readers)
    found = [remark_json(row, person(request)) for row in rows]
    return Response(forms.RemarkOutput(found, many=True).data)


class OwnRemarksView(AssignmentBase):
    """Remarks on a case in the caller's hands."""

    policy: ClassVar[dict[str, Action | None]] = {"get": Action.READ, "post": Action.READ}

    @extend_schema(responses=forms.RemarkOutput(many=True))
    def get(self, request: Request, pk: int) -> Response:
        """List one's own and those of reviewers and managers."""
        return listed(request, self.row.task, all_readers=False)

    @extend_schema(request=forms.RemarkInput, responses={201: forms.RemarkOutput})
    def post(self, request: Request, pk: int) -> Response:
        """Say something of the case, at a place or of the whole, or flag it."""
        return add(request, self.row.task)


class TaskRemarksView(PolicyView):
    """Remarks on any case, for those who review."""

    policy: ClassVar[dict[str, Action | None]] = {"get": Action.REVIEW, "post": Action.REVIEW}

    def task(self, pk: int) -> Task:
        """Return the task. Raises NotFound and Forbidden."""
        task = Task.objects.select_related("campaign", "image").filter(pk=pk).first()
        if task is None:
            raise NotFound("There is no such task.")
        self.permit(task.campaign)
        return task

    @extend_schema(responses=forms.RemarkOutput(many=True))
    def get(self, request: Request, pk: int) -> Response:
        """List all remarks on the case."""
        return listed(request, self.task(pk), all_readers=True)

    @extend_schema(request=forms.RemarkInput, responses={201: forms.RemarkOutput})
    def post(self, request: Request, pk: int) -> Response:
        """Say something of the case; its readers see it."""
        return add(request, self.task(pk))


class FlagsView(CampaignView):
    """Cases for which a colleague was asked."""

    policy: ClassVar[dict[str, Action | None]] = {"get": Action.REVIEW}

    @extend_schema(responses=forms.RemarkOutput(many=True))
    def get(self, request: Request, slug: str) -> Response:
        """List the oldest hundred open flags."""
        rows = remarks.flags_open(self.campaign)
        found = [remark_json(row, person(request)) for row in rows]
        return Response(forms.RemarkOutput(found, many=True).data)


class FlagSettleView(PolicyView):
    """A flag that a colleague has looked at."""

    policy: ClassVar[dict[str, Action | None]] = {"post": Action.REVIEW}

    @extend_schema(request=None, responses=forms.RemarkOutput)
    def post(self, request: Request, pk: int) -> Response:
        """Take the flag down."""
        rows = Remark.objects.select_related("task__campaign", "task__image", "author")
        row = rows.filter(pk=pk).first()
        if row is None:
            raise NotFound("There is no such remark.")
        self.permit(row.task.campaign)
        done = remarks.flag_settle(remark=row, actor=person(request))
        return Response(forms.RemarkOutput(remark_json(done, person(request))).data)
