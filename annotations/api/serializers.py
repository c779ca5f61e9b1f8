"""What goes in and out, as typed fields; the OpenAPI schema is generated from these."""

from typing import Any, ClassVar

from rest_framework import serializers

from annotations.campaigns import PRESETS, TRAINING
from annotations.models import Assignment, Campaign, Export, Review, Task
from reticle.accounts.roles import Role

Data = Any  # rows, dicts and querysets alike: each field says what it reads


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
    """The live model in two numbers."""

    number = serializers.IntegerField()
    dice = serializers.FloatField(allow_null=True)


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
            "name", "description", "readers_per_task", "review", "lease_minutes", "suggestions",
            "suggestion_dice", "blind_share", "strategy", "random_share", "training",
        )  # fmt: skip


class CampaignCreate(CampaignSettings):
    """A new campaign."""

    classes = ClassInput(many=True, allow_empty=True)

    class Meta(CampaignSettings.Meta):
        fields = ("slug", "kind", *CampaignSettings.Meta.fields, "classes")  # type: ignore[assignment]
        # A taken slug is a conflict, and comes from the step.
        extra_kwargs: ClassVar[dict[str, Any]] = {"slug": {"validators": []}}


class CampaignDetail(CampaignCard):
    """A campaign with its settings."""

    settings = CampaignSettings()
    classes = ClassOutput(many=True)


class MemberInput(serializers.Serializer[Data]):
    """A person and all their roles here; none removes them."""

    username = serializers.CharField()
    roles = serializers.ListField(child=serializers.ChoiceField(choices=[r.value for r in Role]))


class MemberOutput(serializers.Serializer[Data]):
    """A person of the campaign."""

    username = serializers.CharField()
    name = serializers.CharField()
    roles = serializers.ListField(child=serializers.CharField())


class WindowOutput(serializers.Serializer[Data]):
    """A display window in modality units."""

    center = serializers.FloatField()
    width = serializers.FloatField()


class AxesOutput(serializers.Serializer[Data]):
    """Where a frame's right and lower edge point on the patient: R L A P H F, or two of them."""

    right = serializers.CharField()
    down = serializers.CharField()


class ImageOutput(serializers.Serializer[Data]):
    """How to show the raw samples."""

    id = serializers.IntegerField()
    series = serializers.IntegerField()
    index = serializers.IntegerField()
    rows = serializers.IntegerField()
    columns = serializers.IntegerField()
    channels = serializers.IntegerField()
    dtype = serializers.CharField()
    bits = serializers.IntegerField()
    slope = serializers.FloatField()
    intercept = serializers.FloatField()
    photometric = serializers.CharField()
    spacing = serializers.ListField(
        child=serializers.FloatField(), allow_null=True, help_text="mm between rows, columns"
    )
    axes = AxesOutput(allow_null=True)
    window = WindowOutput(allow_null=True)
    modality = serializers.CharField()
    patient_key = serializers.CharField()
    pixels_url = serializers.CharField()
    thumbnail_url = serializers.CharField()
    sha256 = serializers.CharField()


class SeriesOutput(serializers.Serializer[Data]):
    """A series and its frames in order."""

    id = serializers.IntegerField()
    modality = serializers.CharField()
    count = serializers.IntegerField()
    spacing_between = serializers.FloatField(allow_null=True)
    frames = ImageOutput(many=True)


class LeaseInput(serializers.Serializer[Data]):
    """Which of the two places a reader may hold."""

    slot = serializers.ChoiceField(choices=Assignment.Slot.choices, default="current")


class TaskRef(serializers.Serializer[Data]):
    """The task behind an assignment."""

    id = serializers.IntegerField()
    state = serializers.ChoiceField(choices=Task.State.choices)
    case = serializers.IntegerField(help_text="the number shown to people")


class SeriesRef(serializers.Serializer[Data]):
    """Where the image stands in its series."""

    id = serializers.IntegerField()
    index = serializers.IntegerField()
    count = serializers.IntegerField()


class WhyOutput(serializers.Serializer[Data]):
    """Why this case is shown now."""

    share = serializers.ChoiceField(choices=["model", "random", "order", "held_out", "returned"])
    strategy = serializers.CharField(allow_null=True)
    score = serializers.FloatField(allow_null=True)
    rank = serializers.IntegerField(
        allow_null=True, help_text="among what the reader could have been given; 1 is the head"
    )
    place = serializers.IntegerField(allow_null=True, help_text="in the order last published")
    of = serializers.IntegerField(allow_null=True, help_text="cases in that order")
    model_number = serializers.IntegerField(allow_null=True)


class SuggestionOutput(serializers.Serializer[Data]):
    """The model's drawing, to be fetched as a mask."""

    id = serializers.IntegerField()
    model_number = serializers.IntegerField()
    mask_url = serializers.CharField()


class DraftOutput(serializers.Serializer[Data]):
    """Unfinished work as the server has it."""

    sequence = serializers.IntegerField()
    mask = serializers.CharField(help_text="base64 of gzip of uint8")
    seconds = serializers.FloatField()
    saved_at = serializers.DateTimeField()


class ReturnedOutput(serializers.Serializer[Data]):
    """What a reviewer sent back, and why."""

    comment = serializers.CharField()
    mask_url = serializers.CharField()


class AssignmentOutput(serializers.Serializer[Data]):
    """A case to read."""

    id = serializers.IntegerField()
    campaign = serializers.CharField()
    slot = serializers.ChoiceField(choices=Assignment.Slot.choices)
    state = serializers.ChoiceField(choices=Assignment.State.choices)
    token = serializers.UUIDField()
    round = serializers.IntegerField()
    leased_until = serializers.DateTimeField()
    server_time = serializers.DateTimeField()
    task = TaskRef()
    image = ImageOutput()
    series = SeriesRef()
    why = WhyOutput()
    suggestion = SuggestionOutput(allow_null=True)
    draft = DraftOutput(allow_null=True)
    returned = ReturnedOutput(allow_null=True)


class TokenInput(serializers.Serializer[Data]):
    """Proof of the lease."""

    token = serializers.UUIDField()


class RenewOutput(serializers.Serializer[Data]):
    """The lease after renewal."""

    leased_until = serializers.DateTimeField()
    server_time = serializers.DateTimeField()


class ReleaseInput(TokenInput):
    """Why a case is skipped."""

    reason = serializers.CharField(max_length=500)


class DraftInput(TokenInput):
    """Unfinished work; `sequence` grows with every save."""

    sequence = serializers.IntegerField(min_value=1, max_value=2**31 - 1)
    mask = serializers.CharField(help_text="base64 of gzip of uint8")
    seconds = serializers.FloatField(min_value=0, default=0)


class DraftSaved(serializers.Serializer[Data]):
    """The draft as kept."""

    sequence = serializers.IntegerField()
    saved_at = serializers.DateTimeField()


class AmendInput(serializers.Serializer[Data]):
    """A new version of finished work; the same `key` is the same version."""

    key = serializers.UUIDField()
    mask = serializers.CharField(help_text="base64 of gzip of uint8")
    seconds = serializers.FloatField(min_value=0, max_value=86_400, default=0)


class SubmitInput(AmendInput, TokenInput):
    """Finished work; the same `key` is the same submission."""


class RecentOutput(serializers.Serializer[Data]):
    """One of the reader's last answers."""

    annotation = serializers.IntegerField()
    assignment = serializers.IntegerField()
    case = serializers.IntegerField()
    submitted_at = serializers.DateTimeField()
    task_state = serializers.ChoiceField(choices=Task.State.choices)
    thumbnail_url = serializers.CharField()
    mask_url = serializers.CharField()
    hindrance = serializers.CharField(
        allow_null=True, help_text="why it can no longer be amended; null when it can"
    )


class SubmitOutput(serializers.Serializer[Data]):
    """What is stored now."""

    annotation = serializers.IntegerField()
    mask_sha256 = serializers.CharField()
    task_state = serializers.ChoiceField(choices=Task.State.choices)


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


class ReviewItem(serializers.Serializer[Data]):
    """An annotation that waits for a reviewer."""

    annotation = serializers.IntegerField()
    task = TaskRef()
    reader = serializers.CharField()
    submitted_at = serializers.DateTimeField()
    seconds = serializers.FloatField()
    image = ImageOutput()
    mask_url = serializers.CharField()
    suggestion = SuggestionOutput(allow_null=True)


class ReviewInput(serializers.Serializer[Data]):
    """A verdict."""

    verdict = serializers.ChoiceField(choices=Review.Verdict.choices)
    comment = serializers.CharField(allow_blank=True, default="", max_length=5000)


class ReviewOutput(serializers.Serializer[Data]):
    """The verdict as stored."""

    id = serializers.IntegerField()
    verdict = serializers.CharField()
    task_state = serializers.ChoiceField(choices=Task.State.choices)


class ItemCounts(serializers.Serializer[Data]):
    """Files of an import by what became of them."""

    waiting = serializers.IntegerField()
    accepted = serializers.IntegerField()
    duplicate = serializers.IntegerField()
    rejected = serializers.IntegerField()


class ImportOutput(serializers.Serializer[Data]):
    """A batch of files on its way in."""

    id = serializers.IntegerField()
    state = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment]
    created_at = serializers.DateTimeField()
    joined_at = serializers.DateTimeField(allow_null=True)
    counts = ItemCounts()
    error = serializers.CharField()


class ImportItemOutput(serializers.Serializer[Data]):
    """One file of a batch."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    state = serializers.CharField()
    code = serializers.CharField()
    reason = serializers.CharField()
    images = serializers.IntegerField(help_text="how many frames it gave")


class ImportDetail(ImportOutput):
    """A batch with its files; `next` is the `after` of the following page."""

    items = ImportItemOutput(many=True)
    next = serializers.IntegerField(allow_null=True)


class ImportInput(serializers.Serializer[Data]):
    """Files, or a zip of files."""

    files = serializers.ListField(child=serializers.FileField(), allow_empty=False)


class ExportOutput(serializers.Serializer[Data]):
    """A zip of labels."""

    id = serializers.IntegerField()
    state = serializers.ChoiceField(choices=Export.State.choices)
    cases = serializers.IntegerField()
    sha256 = serializers.CharField()
    error = serializers.CharField()
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)
    file_url = serializers.CharField(allow_null=True)


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
    """The work that went into one submission."""

    n = serializers.IntegerField()
    seconds = serializers.FloatField()
    changed_pixels = serializers.IntegerField(allow_null=True)
    suggestion_dice = serializers.FloatField(allow_null=True)
    suggested = serializers.BooleanField()


class ProgressOutput(serializers.Serializer[Data]):
    """Where a campaign stands."""

    counts = TaskCounts()
    held_out = HeldOutCounts()
    readers = ReaderOutput(many=True)
    labels_over_time = LabelPoint(many=True)
    effort = EffortPoint(many=True)


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
