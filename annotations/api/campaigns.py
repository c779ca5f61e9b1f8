"""Doors: campaigns, their classes, members, progress, tasks and audit trail."""

from typing import Any, ClassVar

from django.db import transaction
from django.db.models import Prefetch
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotations import access, campaigns, findings, progress, queue
from annotations.api import campaign_forms as forms
from annotations.api.base import CampaignView, PolicyView, person
from annotations.api.reading import why_of
from annotations.models import Assignment, Campaign, Task
from reticle.accounts.models import User
from reticle.accounts.roles import Action, Role
from reticle.audit.models import AuditEvent
from reticle.errors import Invalid, NotFound
from reticle.images.render import describe

PAGE = 100


def card(campaign: Campaign, user: User) -> dict[str, Any]:
    """Return a campaign as shown in lists."""
    return {
        "slug": campaign.slug,
        "name": campaign.name,
        "description": campaign.description,
        "kind": campaign.kind,
        "state": campaign.state,
        "roles": sorted(access.roles_of(user, campaign)),
        "counts": progress.task_counts(campaign),
        "mine": progress.own_counts(campaign, user),
        "champion": campaign.champion,
    }


def detail(campaign: Campaign, user: User) -> dict[str, Any]:
    """Return a campaign with its settings and classes."""
    classes = campaign.classes.order_by("index")
    questions = campaign.questions.order_by("position")
    return {
        **card(campaign, user), "settings": campaign, "classes": classes, "questions": questions,
    }  # fmt: skip


def whole_number(request: Request, name: str) -> int | None:
    """Return a query parameter as a whole number. Raises Invalid."""
    text = request.query_params.get(name)
    if text is None:
        return None
    if not text.isdigit():
        raise Invalid(f"{name} must be a whole number.", code="bad_query", detail={name: text})
    return int(text)


class CampaignsView(APIView):
    """All campaigns of the caller; new ones."""

    permission_classes = (IsAuthenticated,)
    policy: ClassVar[dict[str, Action | None]] = {"get": None, "post": None}

    @extend_schema(responses=forms.CampaignCard(many=True), operation_id="campaigns_list")
    def get(self, request: Request) -> Response:
        """List the campaigns in which the caller has a role."""
        user = person(request)
        rows = [card(row, user) for row in access.campaigns_of(user).order_by("name")]
        return Response(forms.CampaignCard(rows, many=True).data)

    @extend_schema(request=forms.CampaignCreate, responses={201: forms.CampaignDetail})
    def post(self, request: Request) -> Response:
        """Create a campaign in draft; the caller becomes its manager."""
        user = person(request)
        access.require_creator(user)
        form = forms.CampaignCreate(data=request.data)
        form.is_valid(raise_exception=True)
        campaign = campaigns.campaign_create(actor=user, **form.validated_data)
        return Response(
            forms.CampaignDetail(detail(campaign, user)).data, status=status.HTTP_201_CREATED
        )


class CampaignDetailView(CampaignView):
    """One campaign."""

    policy: ClassVar[dict[str, Action | None]] = {"get": Action.VIEW, "patch": Action.MANAGE}

    @extend_schema(responses=forms.CampaignDetail)
    def get(self, request: Request, slug: str) -> Response:
        """Return settings, classes and counts."""
        return Response(forms.CampaignDetail(detail(self.campaign, person(request))).data)

    @extend_schema(request=forms.CampaignSettings, responses=forms.CampaignDetail)
    def patch(self, request: Request, slug: str) -> Response:
        """Change settings."""
        form = forms.CampaignSettings(data=request.data, partial=True)
        form.is_valid(raise_exception=True)
        user = person(request)
        campaign = campaigns.campaign_change(
            actor=user, campaign=self.campaign, changes=form.validated_data
        )
        return Response(forms.CampaignDetail(detail(campaign, user)).data)


class StateView(CampaignView):
    """Open or close a campaign; the address says which."""

    policy: ClassVar[dict[str, Action | None]] = {"post": Action.MANAGE}
    state = Campaign.State.OPEN

    @extend_schema(request=None, responses=forms.CampaignDetail)
    def post(self, request: Request, slug: str) -> Response:
        """Set the state."""
        user = person(request)
        campaign = campaigns.campaign_set_state(
            actor=user, campaign=self.campaign, state=self.state
        )
        return Response(forms.CampaignDetail(detail(campaign, user)).data)


class OpenView(StateView):
    """Let readers in."""

    state = Campaign.State.OPEN


class CloseView(StateView):
    """End reading; work in progress is kept as drafts."""

    state = Campaign.State.CLOSED


class ClassesView(CampaignView):
    """The classes of a campaign."""

    policy: ClassVar[dict[str, Action | None]] = {"get": Action.VIEW, "post": Action.MANAGE}

    @extend_schema(responses=forms.ClassOutput(many=True))
    def get(self, request: Request, slug: str) -> Response:
        """List the classes in mask order."""
        rows = self.campaign.classes.order_by("index")
        return Response(forms.ClassOutput(rows, many=True).data)

    @extend_schema(request=forms.ClassInput, responses={201: forms.ClassOutput})
    def post(self, request: Request, slug: str) -> Response:
        """Add a class with the next free index."""
        form = forms.ClassInput(data=request.data)
        form.is_valid(raise_exception=True)
        row = campaigns.class_add(
            actor=person(request), campaign=self.campaign, **form.validated_data
        )
        return Response(forms.ClassOutput(row).data, status=status.HTTP_201_CREATED)


class QuestionsView(CampaignView):
    """The questions a campaign asks of the whole image."""

    policy: ClassVar[dict[str, Action | None]] = {"get": Action.VIEW, "post": Action.MANAGE}

    @extend_schema(responses=forms.QuestionOutput(many=True))
    def get(self, request: Request, slug: str) -> Response:
        """List the questions in the order they are asked."""
        rows = self.campaign.questions.order_by("position")
        return Response(forms.QuestionOutput(rows, many=True).data)

    @extend_schema(request=forms.QuestionInput, responses={201: forms.QuestionOutput})
    def post(self, request: Request, slug: str) -> Response:
        """Add a question at the end."""
        form = forms.QuestionInput(data=request.data)
        form.is_valid(raise_exception=True)
        row = findings.question_add(
            actor=person(request), campaign=self.campaign, **form.validated_data
        )
        return Response(forms.QuestionOutput(row).data, status=status.HTTP_201_CREATED)


class QuestionView(CampaignView):
    """One question of a campaign."""

    policy: ClassVar[dict[str, Action | None]] = {"patch": Action.MANAGE}

    @extend_schema(request=forms.QuestionChange, responses=forms.QuestionOutput)
    def patch(self, request: Request, slug: str, name: str) -> Response:
        """Rename or retire options, or retire the question; answers given stay as they are."""
        form = forms.QuestionChange(data=request.data)
        form.is_valid(raise_exception=True)
        question = self.campaign.questions.filter(name=name).first()
        if question is None:
            raise NotFound("There is no such question.", code="no_such_question")
        given = form.validated_data
        row = findings.question_change(
            actor=person(request), question=question, retired=given.get("retired"),
            options=[findings.OptionChange(**change) for change in given.get("options", [])],
        )  # fmt: skip
        return Response(forms.QuestionOutput(row).data)


class AnswersView(CampaignView):
    """What was answered so far, in numbers."""

    policy: ClassVar[dict[str, Action | None]] = {"get": Action.TRACK}

    @extend_schema(responses=forms.AnswerCountOutput(many=True))
    def get(self, request: Request, slug: str) -> Response:
        """Count the answers to each question that is no free text."""
        rows = findings.answers_count(self.campaign)
        return Response(forms.AnswerCountOutput(rows, many=True).data)


class MembersView(CampaignView):
    """People and their roles."""

    policy: ClassVar[dict[str, Action | None]] = {"get": Action.MANAGE, "put": Action.MANAGE}

    @extend_schema(responses=forms.MemberOutput(many=True))
    def get(self, request: Request, slug: str) -> Response:
        """List the people of the campaign."""
        people: dict[int, dict[str, Any]] = {}
        for row in self.campaign.members.select_related("user").order_by("user__username", "role"):
            entry = {"username": row.user.username, "name": row.user.name, "roles": []}
            people.setdefault(row.user_id, entry)["roles"].append(row.role)
        return Response(forms.MemberOutput(list(people.values()), many=True).data)

    @extend_schema(request=forms.MemberInput, responses=forms.MemberOutput(many=True))
    def put(self, request: Request, slug: str) -> Response:
        """Give a person exactly these roles; an empty list removes them."""
        form = forms.MemberInput(data=request.data)
        form.is_valid(raise_exception=True)
        user = User.objects.filter(username=form.validated_data["username"]).first()
        if user is None:
            raise NotFound("There is no account of that name.", code="no_such_user")
        roles = {Role(role) for role in form.validated_data["roles"]}
        with transaction.atomic():
            campaigns.member_set(
                actor=person(request), campaign=self.campaign, user=user, roles=roles
            )
            if Role.READER not in roles:
                queue.places_free(campaign=self.campaign, reader=user)
        return self.get(request, slug)


class ProgressView(CampaignView):
    """Where the campaign stands."""

    policy: ClassVar[dict[str, Action | None]] = {"get": Action.TRACK}

    @extend_schema(responses=forms.ProgressOutput)
    def get(self, request: Request, slug: str) -> Response:
        """Return counts, readers and curves."""
        answer = {
            "counts": progress.task_counts(self.campaign),
            "held_out": progress.held_out_counts(self.campaign),
            "readers": progress.reader_progress(self.campaign),
            "labels_over_time": progress.labels_over_time(self.campaign),
            "effort": progress.effort(self.campaign),
        }
        return Response(forms.ProgressOutput(answer).data)


class TasksView(CampaignView):
    """The cases of a campaign, in queue order or by number."""

    policy: ClassVar[dict[str, Action | None]] = {"get": Action.TRACK}

    @extend_schema(
        responses=forms.TaskPage,
        parameters=[
            OpenApiParameter("state", str, enum=[state.value for state in Task.State]),
            OpenApiParameter("after", int, description="the last task of the page before"),
        ],
    )
    def get(self, request: Request, slug: str) -> Response:
        """List tasks, 100 a page."""
        state = request.query_params.get("state")
        if state is not None and state not in Task.State.values:
            raise Invalid("There is no such state.", code="bad_query", detail={"state": state})
        rows = self.campaign.tasks.select_related("image__series__study").order_by("id")
        rows = rows.filter(state=state) if state else rows
        rows = rows.filter(pk__gt=whole_number(request, "after") or 0)
        readers = Prefetch("assignments", Assignment.objects.select_related("reader"))
        page = list(rows.prefetch_related(readers)[: PAGE + 1])
        more = page[PAGE - 1].pk if len(page) > PAGE else None
        results = [task_row(task) for task in page[:PAGE]]
        return Response(forms.TaskPage({"results": results, "next": more}).data)


def task_row(task: Task) -> dict[str, Any]:
    """Return a task as shown in lists."""
    return {
        "id": task.pk,
        "state": task.state,
        "held_out": task.held_out,
        "priority": task.priority,
        "why": why_of(task.priority_from),
        "image": describe(task.image),
        "settled_annotation": task.settled_id,
        "readers": sorted({row.reader.username for row in task.assignments.all() if row.reads}),
    }


class TaskView(PolicyView):
    """One task."""

    policy: ClassVar[dict[str, Action | None]] = {"get": Action.TRACK}

    @extend_schema(responses=forms.TaskOutput)
    def get(self, request: Request, pk: int) -> Response:
        """Return a task with its image."""
        rows = Task.objects.select_related("campaign", "image__series__study")
        task = rows.filter(pk=pk).first()
        if task is None:
            raise NotFound("There is no such task.")
        self.permit(task.campaign)
        return Response(forms.TaskOutput(task_row(task)).data)


class AuditView(CampaignView):
    """Who did what in this campaign."""

    policy: ClassVar[dict[str, Action | None]] = {"get": Action.AUDIT}

    @extend_schema(
        responses=forms.AuditPage,
        parameters=[OpenApiParameter("before", int, description="the last event of a page")],
    )
    def get(self, request: Request, slug: str) -> Response:
        """List events, newest first, 100 a page."""
        rows = AuditEvent.objects.filter(campaign_id=self.campaign.pk).select_related("actor")
        before = whole_number(request, "before")
        rows = rows.filter(pk__lt=before) if before is not None else rows
        page = list(rows.order_by("-id")[: PAGE + 1])
        results = [
            {
                "id": row.pk, "at": row.at, "action": row.action, "target": row.target,
                "actor": row.actor.username if row.actor else None,
                "target_id": row.target_id, "detail": row.detail,
            }
            for row in page[:PAGE]
        ]  # fmt: skip
        more = page[PAGE - 1].pk if len(page) > PAGE else None
        return Response(forms.AuditPage({"results": results, "next": more}).data)
