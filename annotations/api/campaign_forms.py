"""What goes in and out of the doors of campaigns, as typed fields."""

from typing import Any, ClassVar

from rest_framework import serializers

from annotations.api.serializers import Data, ImageOutput, WhyOutput
from annotations.campaigns import PRESETS, TRAINING
from annotations.models import Campaign, Question, Task
from reticle.accounts.roles import Role


class ClassInput(serializers.Serializer[Data]):
    """A class to be drawn."""

    name = serializers.CharField(max_length=60)
    colour = serializers.RegexField(r"^#[0-9A-Fa-f]{6}$", required=False)


class ClassOutput(serializers.Serializer[Data]):
    """A class as stored."""

    index = serializers.IntegerField()
    name = serializers.CharField()
    colour = serializers.CharField()
    retired = serializers.SerializerMethodField()

    def get_retired(self, row: Any) -> bool:
        """Tell whether the class is no longer offered."""
        return row.retired_at is not None


class QuestionInput(serializers.Serializer[Data]):
    """A question of the whole image."""

    text = serializers.CharField(max_length=200)
    kind = serializers.ChoiceField(choices=Question.Kind.choices)
    options = serializers.ListField(
        child=serializers.CharField(max_length=100), max_length=30, required=False,
        help_text="of a single or multiple choice, in the order of their keys",
    )  # fmt: skip
    low = serializers.IntegerField(required=False, allow_null=True, min_value=-999, max_value=999)
    high = serializers.IntegerField(required=False, allow_null=True, min_value=-999, max_value=999)
    # `required` is also an argument of every field: declared through the mapping below.

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Add `required`: whether a case can be handed in without an answer."""
        return {**super().get_fields(), "required": serializers.BooleanField(default=True)}


class QuestionOutput(QuestionInput):
    """A question as stored; answers are kept under its name."""

    name = serializers.CharField()
    retired = serializers.SerializerMethodField()
    dropped = serializers.ListField(
        child=serializers.CharField(), required=False, help_text="options no longer offered"
    )

    def get_retired(self, row: Any) -> bool:
        """Tell whether the question is no longer asked."""
        return row.retired_at is not None


class OptionInput(serializers.Serializer[Data]):
    """What becomes of one option."""

    was = serializers.CharField(max_length=100)
    name = serializers.CharField(max_length=100)
    retired = serializers.BooleanField(default=False, help_text="no longer offered")


class QuestionChange(serializers.Serializer[Data]):
    """What becomes of a question; what is not named stays as it is."""

    retired = serializers.BooleanField(required=False, help_text="no longer asked")
    options = OptionInput(many=True, required=False)


class AnswerCountOutput(serializers.Serializer[Data]):
    """How often one answer was given to a question."""

    question = serializers.CharField()
    answer = serializers.CharField(help_text="empty: none of several options")
    count = serializers.IntegerField()


class TaskCounts(serializers.Serializer[Data]):
    """Tasks by state."""

    total = serializers.IntegerField()
    open = serializers.IntegerField()
    reading = serializers.IntegerField()
    review = serializers.IntegerField()
    settled = serializers.IntegerField()
    excluded = serializers.IntegerField()


class OwnCounts(serializers.Serializer[Data]):
    """The caller's own part."""

    submitted = serializers.IntegerField()
    waiting = serializers.IntegerField()
    to_review = serializers.IntegerField()


class ChampionCard(serializers.Serializer[Data]):
    """The live model in a few numbers."""

    number = serializers.IntegerField()
    dice = serializers.FloatField(allow_null=True)
    accuracy = serializers.FloatField(
        allow_null=True, required=False, help_text="of models that answer, in place of Dice"
    )
    low = serializers.FloatField(
        allow_null=True, required=False, help_text="95 % interval over held-out patients"
    )
    high = serializers.FloatField(allow_null=True, required=False)


class CampaignCard(serializers.Serializer[Data]):
    """A campaign in a list."""

    slug = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField()
    kind = serializers.ChoiceField(choices=Campaign.Kind.choices)
    state = serializers.ChoiceField(choices=Campaign.State.choices)
    roles = serializers.ListField(child=serializers.ChoiceField(choices=[r.value for r in Role]))
    counts = TaskCounts()
    mine = OwnCounts()
    champion = ChampionCard(allow_null=True)


class TrainingPolicy(serializers.Serializer[Data]):
    """When and how the model is trained."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Make one optional number for each entry of the table of settings."""
        numbers: dict[str, serializers.Field[Any, Any, Any, Any]] = {
            name: serializers.FloatField(required=False, min_value=low, max_value=high)
            for name, (_, low, high) in TRAINING.items()
        }
        return {"preset": serializers.ChoiceField(choices=PRESETS, required=False), **numbers}


class CampaignSettings(serializers.ModelSerializer[Campaign]):
    """The settings a manager may change."""

    training = TrainingPolicy(required=False)

    class Meta:
        model = Campaign
        fields = (
            "name", "description", "guideline", "unit", "readers_per_task", "review",
            "lease_minutes", "suggestions", "suggestion_dice", "blind_share", "strategy",
            "random_share", "cold_start", "training",
        )  # fmt: skip


class CampaignCreate(CampaignSettings):
    """A new campaign."""

    classes = ClassInput(many=True, allow_empty=True, default=list)
    questions = QuestionInput(many=True, allow_empty=True, default=list)

    class Meta(CampaignSettings.Meta):
        fields = (  # type: ignore[assignment]
            "slug", "kind", *CampaignSettings.Meta.fields, "classes", "questions",
        )  # fmt: skip
        # A taken slug is a conflict, and comes from the step.
        extra_kwargs: ClassVar[dict[str, Any]] = {"slug": {"validators": []}}


class CampaignDetail(CampaignCard):
    """A campaign with its settings."""

    settings = CampaignSettings()
    classes = ClassOutput(many=True)
    questions = QuestionOutput(many=True)


class PictureInput(serializers.Serializer[Data]):
    """A PNG or JPEG file."""

    file = serializers.FileField()


class PictureOutput(serializers.Serializer[Data]):
    """An example picture; the guideline shows it where it says `picture:` and its number."""

    id = serializers.IntegerField()
    width = serializers.IntegerField()
    height = serializers.IntegerField()
    url = serializers.CharField()


class MemberInput(serializers.Serializer[Data]):
    """A person and all their roles here; none removes them."""

    username = serializers.CharField()
    roles = serializers.ListField(child=serializers.ChoiceField(choices=[r.value for r in Role]))


class MemberOutput(serializers.Serializer[Data]):
    """A person of the campaign."""

    username = serializers.CharField()
    name = serializers.CharField()
    roles = serializers.ListField(child=serializers.CharField())


class TaskOutput(serializers.Serializer[Data]):
    """A task in the manager's list."""

    id = serializers.IntegerField()
    state = serializers.ChoiceField(choices=Task.State.choices)
    held_out = serializers.BooleanField()
    priority = serializers.FloatField()
    why = WhyOutput()
    image = ImageOutput()
    settled_annotation = serializers.IntegerField(allow_null=True)
    readers = serializers.ListField(child=serializers.CharField())


class TaskPage(serializers.Serializer[Data]):
    """A page of tasks; `next` is the `after` of the following page."""

    results = TaskOutput(many=True)
    next = serializers.IntegerField(allow_null=True)


class ReaderOutput(serializers.Serializer[Data]):
    """One reader's share of the work."""

    username = serializers.CharField()
    submitted = serializers.IntegerField()
    seconds_median = serializers.FloatField(allow_null=True)
    last_at = serializers.DateTimeField(allow_null=True)


class HeldOutCounts(serializers.Serializer[Data]):
    """The measuring set."""

    total = serializers.IntegerField()
    settled = serializers.IntegerField()


class LabelPoint(serializers.Serializer[Data]):
    """A point of the curve of settled tasks over time."""

    at = serializers.DateTimeField()
    settled = serializers.IntegerField()


class EffortPoint(serializers.Serializer[Data]):
    """The work that went into one reading."""

    n = serializers.IntegerField()
    seconds = serializers.FloatField()
    changed_pixels = serializers.IntegerField(allow_null=True)
    suggestion_dice = serializers.FloatField(allow_null=True)
    changed_answers = serializers.IntegerField(
        allow_null=True, help_text="of those that were suggested; 0: accepted unedited"
    )
    suggested = serializers.BooleanField()


class ProgressOutput(serializers.Serializer[Data]):
    """Where a campaign stands."""

    counts = TaskCounts()
    held_out = HeldOutCounts()
    readers = ReaderOutput(many=True)
    labels_over_time = LabelPoint(
        many=True, help_text="by minute; beyond 500 minutes every n-th and the last"
    )
    effort = EffortPoint(
        many=True,
        help_text="every reading; beyond 500 every n-th from the first, so that no more come",
    )


class AuditOutput(serializers.Serializer[Data]):
    """Who did what, when."""

    id = serializers.IntegerField()
    at = serializers.DateTimeField()
    actor = serializers.CharField(allow_null=True)
    action = serializers.CharField()
    target = serializers.CharField()
    target_id = serializers.IntegerField(allow_null=True)
    detail = serializers.JSONField()


class AuditPage(serializers.Serializer[Data]):
    """A page of the audit trail, newest first; `next` is the `before` of the following page."""

    results = AuditOutput(many=True)
    next = serializers.IntegerField(allow_null=True)
