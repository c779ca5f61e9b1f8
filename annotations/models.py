"""Campaigns, tasks, leases, and the insert-only record of what people drew."""

import uuid

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from reticle.accounts.roles import Role
from reticle.images.models import Image, Intake

IGNORE_INDEX = 255


class Campaign(models.Model):
    """One question asked of a set of images, and the rules by which it is answered."""

    class Kind(models.TextChoices):
        SEGMENTATION = "segmentation"
        CLASSIFICATION = "classification"  # questions of the whole image; nothing is drawn

    class Unit(models.TextChoices):
        IMAGE = "image"
        SERIES = "series"  # all open frames of a series go to one reader together

    class State(models.TextChoices):
        DRAFT = "draft"
        OPEN = "open"
        CLOSED = "closed"

    class ReviewPolicy(models.TextChoices):
        NONE = "none"
        ALL = "all"

    class Strategy(models.TextChoices):
        """By the names of `training.ml.acquire.ORDERINGS`."""

        RANDOM = "random"
        FOREGROUND = "foreground"
        LEAST_CONFIDENCE = "least_confidence"
        MARGIN = "margin"
        ENTROPY = "entropy"
        BALD = "bald"
        VARIANCE = "variance"
        DISAGREEMENT = "disagreement"
        POWER = "power"
        SOFTMAX = "softmax"
        CLASS_BALANCED = "class_balanced"
        STRATIFIED = "stratified"
        CORE_SET = "core_set"
        K_MEANS = "k_means"
        BADGE = "badge"

    class ColdStart(models.TextChoices):
        RANDOM = "random"
        DIVERSITY = "diversity"  # by how images differ: see training.cold

    slug = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=120)
    description = models.TextField(blank=True)
    guideline = models.TextField(
        blank=True, max_length=50_000, help_text="Markdown; picture:N shows a picture of this one"
    )
    kind = models.CharField(max_length=20, choices=Kind, default=Kind.SEGMENTATION)
    unit = models.CharField(
        max_length=10, choices=Unit, default=Unit.IMAGE, help_text="what a reader gets at once"
    )
    state = models.CharField(max_length=10, choices=State, default=State.DRAFT)
    readers_per_task = models.PositiveSmallIntegerField(
        default=1, validators=[MinValueValidator(1), MaxValueValidator(20)]
    )
    review = models.CharField(max_length=10, choices=ReviewPolicy, default=ReviewPolicy.NONE)
    lease_minutes = models.PositiveSmallIntegerField(
        default=30, validators=[MinValueValidator(1), MaxValueValidator(24 * 60)]
    )
    suggestions = models.BooleanField(default=True)
    suggestion_dice = models.FloatField(
        default=0.5,
        validators=[MinValueValidator(0), MaxValueValidator(1)],
        help_text="a class is suggested once its held-out Dice has reached this",
    )
    blind_share = models.FloatField(
        default=0.1,
        validators=[MinValueValidator(0), MaxValueValidator(1)],
        help_text="share of model-ordered cases whose suggestion is withheld",
    )
    strategy = models.CharField(max_length=20, choices=Strategy, default=Strategy.CLASS_BALANCED)
    random_share = models.FloatField(
        default=1 / 3, validators=[MinValueValidator(0), MaxValueValidator(1)]
    )
    cold_start = models.CharField(
        max_length=10, choices=ColdStart, default=ColdStart.RANDOM,
        help_text="what the queue begins with before there is a model",
    )  # fmt: skip
    training = models.JSONField(default=dict, help_text="see annotations.campaigns.TRAINING")
    schema_version = models.PositiveIntegerField(default=1)
    champion = models.JSONField(
        null=True, blank=True, help_text="{number, dice}: written by the learner"
    )
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.slug


class Membership(models.Model):
    """A person's role in a campaign; one row a role."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="members")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships"
    )
    role = models.CharField(max_length=10, choices=[(role.value, role.value) for role in Role])

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["campaign", "user", "role"], name="membership_once")
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.role} of {self.campaign_id}"


class LabelClass(models.Model):
    """A structure to be drawn; `index` is its value in the mask."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="classes")
    index = models.PositiveSmallIntegerField(
        validators=[MinValueValidator(1), MaxValueValidator(IGNORE_INDEX - 1)]
    )
    name = models.CharField(max_length=60)
    colour = models.CharField(max_length=7, validators=[RegexValidator(r"^#[0-9A-Fa-f]{6}$")])
    code = models.CharField(
        max_length=60, blank=True, help_text="ontology code, e.g. SCT 389081007"
    )
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["campaign", "index"], name="class_index_once"),
            models.UniqueConstraint(fields=["campaign", "name"], name="class_name_once"),
        ]

    def __str__(self) -> str:
        return self.name


class Question(models.Model):
    """Something asked of the whole image; `name` is the key of its answer in `findings`."""

    class Kind(models.TextChoices):
        SINGLE = "single"
        MULTIPLE = "multiple"
        SCALE = "scale"
        TEXT = "text"

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="questions")
    name = models.SlugField(max_length=40)
    text = models.CharField(max_length=200)
    kind = models.CharField(max_length=10, choices=Kind)
    options = models.JSONField(
        default=list, blank=True, help_text="the choices, in the order of their keys"
    )
    dropped = models.JSONField(default=list, blank=True, help_text="choices no longer offered")
    renamed = models.JSONField(
        default=dict, blank=True, help_text="former words of choices: the present ones by them"
    )
    low = models.SmallIntegerField(null=True, blank=True, help_text="lower end of a scale")
    high = models.SmallIntegerField(null=True, blank=True, help_text="upper end of a scale")
    required = models.BooleanField(default=True)
    position = models.PositiveSmallIntegerField(default=0)
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["campaign", "name"], name="question_name_once")
        ]

    def __str__(self) -> str:
        return self.text


class Picture(models.Model):
    """An example in a campaign's guideline, encoded anew: no byte of the sender's file is kept."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="pictures")
    sha256 = models.CharField(max_length=64)
    media_type = models.CharField(max_length=20)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["campaign", "sha256"], name="picture_once")]

    def __str__(self) -> str:
        return f"picture {self.pk} of {self.campaign_id}"


class Task(models.Model):
    """One image to be read in one campaign. `priority` is a position: higher is served earlier."""

    class State(models.TextChoices):
        OPEN = "open"  # wants more readers
        READING = "reading"  # every place is taken
        REVIEW = "review"
        SETTLED = "settled"
        EXCLUDED = "excluded"

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="tasks")
    image = models.ForeignKey(Image, on_delete=models.PROTECT, related_name="tasks")
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    priority = models.FloatField(default=0.0)
    priority_from = models.JSONField(default=dict, help_text="share, strategy, score, model, rank")
    taken = models.PositiveSmallIntegerField(default=0, help_text="places held or submitted")
    held_out = models.BooleanField(default=False, help_text="fixed by patient when the image joins")
    settled = models.OneToOneField(
        "Annotation", null=True, on_delete=models.PROTECT, related_name="settles"
    )
    settled_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=120, blank=True, help_text="why it is excluded")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["campaign", "image"], name="task_once"),
            models.CheckConstraint(
                condition=Q(settled__isnull=False, state="settled")
                | (Q(settled__isnull=True) & ~Q(state="settled")),
                name="settled_has_answer",
            ),
        ]
        indexes = [
            models.Index(
                F("campaign"),
                F("priority").desc(),
                F("id"),
                name="task_queue",
                condition=Q(state="open"),
            ),
            models.Index(fields=["campaign", "state", "settled_at"], name="task_state"),
        ]

    def __str__(self) -> str:
        return f"task {self.pk} ({self.state})"


class Suggestion(models.Model):
    """What the model drew or answered for a task at the head of the queue.

    No reader ever changes it.
    """

    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="suggestions")
    model_number = models.PositiveIntegerField()
    packed = models.BinaryField()
    findings = models.JSONField(
        default=dict, help_text="answers by question name; nothing is drawn then"
    )
    sha256 = models.CharField(max_length=64)
    maps_at = models.DateTimeField(null=True, help_text="when its maps were made")
    asked_at = models.DateTimeField(
        null=True, help_text="when a reader asked for more than the head of the queue gets"
    )
    asked_until = models.DateTimeField(null=True, help_text="a worker is at it until then")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["task", "model_number"], name="suggestion_once")
        ]

        indexes = [
            models.Index(fields=["asked_at"], condition=Q(asked_at__isnull=False), name="asked")
        ]

    def __str__(self) -> str:
        return f"model {self.model_number} on task {self.task_id}"


class SuggestionMap(models.Model):
    """What the model thinks beside its drawing: one byte a pixel, 0 to 255 for 0 to 1."""

    class Kind(models.TextChoices):
        UNCERTAINTY = "uncertainty"
        EXPLANATION = "explanation"  # where the model looked for one class
        OCCLUSION = "occlusion"  # what it would miss; made when a reader asks

    suggestion = models.ForeignKey(Suggestion, on_delete=models.CASCADE, related_name="maps")
    kind = models.CharField(max_length=12, choices=Kind)
    class_index = models.PositiveSmallIntegerField(
        null=True, help_text="of an explanation or occlusion; of an answer, its number"
    )
    question = models.CharField(max_length=64, blank=True, help_text="of a map about an answer")
    option = models.CharField(max_length=200, blank=True)
    packed = models.BinaryField()
    sha256 = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["suggestion", "kind", "class_index"],
                name="suggestion_map_once",
                nulls_distinct=False,
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.suggestion_id}"


class Assignment(models.Model):
    """One reader's place in one task: assignment and lease in one row."""

    class State(models.TextChoices):
        HELD = "held"
        SUBMITTED = "submitted"
        RETURNED = "returned"
        SKIPPED = "skipped"
        EXPIRED = "expired"

    class Slot(models.TextChoices):
        CURRENT = "current"
        NEXT = "next"

    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="assignments")
    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="assignments")
    reader = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="assignments"
    )
    round = models.PositiveSmallIntegerField(default=1)
    state = models.CharField(max_length=10, choices=State, default=State.HELD)
    slot = models.CharField(max_length=8, choices=Slot, default=Slot.CURRENT)
    leader = models.ForeignKey(
        "self", null=True, on_delete=models.CASCADE, related_name="companions",
        help_text="the place this one was leased with, where whole series are handed out",
    )  # fmt: skip
    token = models.UUIDField(default=uuid.uuid4)
    leased_at = models.DateTimeField(db_default=Now())
    leased_until = models.DateTimeField()
    rank = models.PositiveIntegerField(
        default=0, help_text="place in the queue when leased, from 1"
    )
    suggestion = models.ForeignKey(
        Suggestion, null=True, on_delete=models.PROTECT, related_name="assignments"
    )
    why = models.JSONField(default=dict)
    reason = models.CharField(max_length=500, blank=True, help_text="why it was skipped")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["task", "reader", "round"], name="assignment_once"),
            models.UniqueConstraint(
                fields=["campaign", "reader", "slot"],
                condition=Q(state="held", leader=None),
                name="one_held_per_slot",
            ),
        ]
        indexes = [
            models.Index(
                fields=["campaign", "leased_until"], name="lease_expiry", condition=Q(state="held")
            ),
            models.Index(fields=["campaign", "reader", "state"], name="assignment_of_reader"),
        ]

    def __str__(self) -> str:
        return f"assignment {self.pk} ({self.state})"

    @property
    def reads(self) -> bool:
        """Whether the reader has the case or has handed it in, and did not give it back."""
        return self.state not in (self.State.SKIPPED, self.State.EXPIRED)


class Draft(models.Model):
    """The newest unfinished work on an assignment; overwritten only by a higher sequence."""

    assignment = models.OneToOneField(Assignment, on_delete=models.CASCADE, related_name="draft")
    sequence = models.PositiveIntegerField()
    packed = models.BinaryField()
    findings = models.JSONField(default=dict, help_text="answers so far, by question name")
    unseen = models.JSONField(default=list, help_text="classes not looked at, by index")
    seconds_spent = models.FloatField(default=0)
    saved_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"draft {self.sequence} of {self.assignment_id}"


class Annotation(models.Model):
    """What a person drew. Insert-only: a correction is a new row that supersedes."""

    class Source(models.TextChoices):
        READER = "reader"
        CONSENSUS = "consensus"
        AMENDMENT = "amendment"

    task = models.ForeignKey(Task, on_delete=models.PROTECT, related_name="annotations")
    assignment = models.OneToOneField(
        Assignment, null=True, on_delete=models.PROTECT, related_name="annotation"
    )
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    source = models.CharField(max_length=10, choices=Source, default=Source.READER)
    supersedes = models.OneToOneField(
        "self", null=True, on_delete=models.PROTECT, related_name="superseded_by"
    )
    key = models.UUIDField(unique=True, help_text="the client's; the same key is the same work")
    packed = models.BinaryField()
    sha256 = models.CharField(max_length=64)
    findings = models.JSONField(default=dict, help_text="answers by question name")
    unseen = models.JSONField(
        default=list, help_text="classes not looked at: where nothing is drawn, nothing is known"
    )
    seconds_spent = models.FloatField(default=0)
    schema_version = models.PositiveIntegerField(default=1)
    started_from = models.ForeignKey(
        Suggestion, null=True, on_delete=models.PROTECT, related_name="+"
    )
    changed_pixels = models.PositiveIntegerField(
        null=True, help_text="against the suggestion; 0: accepted unedited"
    )
    suggestion_dice = models.FloatField(
        null=True, help_text="of all drawn classes together, against the suggestion"
    )
    changed_answers = models.PositiveSmallIntegerField(
        null=True, help_text="of those that were suggested; 0: accepted unedited"
    )
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index(fields=["task", "id"], name="annotation_of_task")]

    def __str__(self) -> str:
        return f"annotation {self.pk} of task {self.task_id}"


class Review(models.Model):
    """A reviewer's verdict on one annotation. Insert-only."""

    class Verdict(models.TextChoices):
        ACCEPT = "accept"
        RETURN = "return"

    annotation = models.OneToOneField(Annotation, on_delete=models.PROTECT, related_name="review")
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    verdict = models.CharField(max_length=10, choices=Verdict)
    comment = models.TextField(blank=True)
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.verdict} of {self.annotation_id}"


class Remark(models.Model):
    """Something said of a case, pinned to a place of its image where x and y are given."""

    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="remarks")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    text = models.CharField(max_length=2000)
    x = models.FloatField(null=True, help_text="column, in pixels from the left edge")
    y = models.FloatField(null=True, help_text="row, in pixels from the upper edge")
    flag = models.BooleanField(default=False, help_text="a colleague is asked to look")
    created_at = models.DateTimeField(db_default=Now())
    settled_at = models.DateTimeField(null=True, help_text="when a colleague had looked")
    settled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(x__isnull=True, y__isnull=True) | Q(x__isnull=False, y__isnull=False),
                name="remark_has_a_whole_place",
            )
        ]
        indexes = [models.Index(fields=["task", "id"], name="remark_of_task")]

    def __str__(self) -> str:
        return f"remark {self.pk} on task {self.task_id}"


class Import(models.Model):
    """An intake whose images join a campaign."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="imports")
    intake = models.OneToOneField(Intake, on_delete=models.PROTECT, related_name="joins")
    joined_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"intake {self.intake_id} into {self.campaign_id}"


class Export(models.Model):
    """A zip of labels, made in the background."""

    class State(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="exports")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    claimed_until = models.DateTimeField(null=True)
    attempt = models.PositiveSmallIntegerField(default=0)
    file = models.CharField(max_length=120, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    cases = models.PositiveIntegerField(default=0)
    error = models.TextField(blank=True)
    created_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"export {self.pk} ({self.state})"
