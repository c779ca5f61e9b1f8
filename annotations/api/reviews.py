"""Doors of a reviewer."""

from collections.abc import Iterable
from typing import Any, ClassVar

from django.db.models import Count
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from annotations import review
from annotations.api import review_forms as forms
from annotations.api.base import CampaignView, PolicyView, person
from annotations.api.reading import Maps, maps_of, suggestion_of
from annotations.findings import findings_now
from annotations.models import Annotation, Question, Review, Task
from reticle.accounts.roles import Action
from reticle.errors import NotFound
from reticle.images.models import Image
from reticle.images.render import describe

PAGE = 100


def review_item(
    row: Annotation, questions: Iterable[Question], maps: Maps, slices: int
) -> dict[str, Any]:
    """Return an annotation as a reviewer sees it in the queue."""
    return {
        "annotation": row.pk,
        "task": {"id": row.task_id, "state": row.task.state, "case": row.task_id},
        "reader": row.author.username,
        "submitted_at": row.created_at,
        "seconds": row.seconds_spent,
        "image": describe(row.task.image),
        "slices": slices,
        "mask_url": f"/api/v1/annotations/{row.pk}/mask",
        "findings": findings_now(questions, row.findings),
        "unseen": row.unseen,
        "suggestion": suggestion_of(row.started_from, maps, questions),
    }


def slices_of(series: Iterable[int]) -> dict[int, int]:
    """Return how many images each series has, all by one statement."""
    found = Image.objects.filter(series__in=set(series)).values("series").annotate(n=Count("pk"))
    return dict(found.values_list("series", "n"))


class ReviewsView(CampaignView):
    """What waits for a reviewer."""

    policy: ClassVar[dict[str, Action | None]] = {"get": Action.REVIEW}

    @extend_schema(responses=forms.ReviewItem(many=True))
    def get(self, request: Request, slug: str) -> Response:
        """List the oldest hundred; one's own work is not among them."""
        rows = review.reviews_waiting(campaign=self.campaign, reviewer=person(request))[:PAGE]
        questions = self.campaign.questions.all()
        maps = maps_of(row.started_from_id for row in rows)
        slices = slices_of(row.task.image.series_id for row in rows)
        items = [
            review_item(row, questions, maps, slices[row.task.image.series_id]) for row in rows
        ]
        return Response(forms.ReviewItem(items, many=True).data)


class VersionsView(PolicyView):
    """Everything that has been drawn on one case: each reader's versions."""

    policy: ClassVar[dict[str, Action | None]] = {"get": Action.REVIEW}

    @extend_schema(responses=forms.VersionOutput(many=True))
    def get(self, request: Request, pk: int) -> Response:
        """List them, oldest first."""
        task = Task.objects.select_related("campaign").filter(pk=pk).first()
        if task is None:
            raise NotFound("There is no such task.")
        self.permit(task.campaign)
        rows = task.annotations.select_related("author", "superseded_by").order_by("id")
        found = [
            {
                "annotation": row.pk,
                "reader": row.author.username,
                "submitted_at": row.created_at,
                "newest": not hasattr(row, "superseded_by"),
                "mask_url": f"/api/v1/annotations/{row.pk}/mask",
            }
            for row in rows
        ]
        return Response(forms.VersionOutput(found, many=True).data)


class ReviewView(PolicyView):
    """A verdict on one annotation."""

    policy: ClassVar[dict[str, Action | None]] = {"post": Action.REVIEW}

    @extend_schema(request=forms.ReviewInput, responses={201: forms.ReviewOutput})
    def post(self, request: Request, pk: int) -> Response:
        """Accept, or return with a comment."""
        row = Annotation.objects.select_related("task__campaign").filter(pk=pk).first()
        if row is None:
            raise NotFound("There is no such annotation.")
        self.permit(row.task.campaign)
        form = forms.ReviewInput(data=request.data)
        form.is_valid(raise_exception=True)
        done = review.annotation_review(
            annotation=row,
            reviewer=person(request),
            verdict=Review.Verdict(form.validated_data["verdict"]),
            comment=form.validated_data["comment"],
        )
        state = Task.objects.values_list("state", flat=True).get(pk=row.task_id)
        answer = {"id": done.pk, "verdict": done.verdict, "task_state": state}
        return Response(forms.ReviewOutput(answer).data, status=status.HTTP_201_CREATED)
