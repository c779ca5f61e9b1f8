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

    class State(models.TextChoices):
        DRAFT = "draft"
        OPEN = "open"
        CLOSED = "closed"

    class ReviewPolicy(models.TextChoices):
        NONE = "none"
        ALL = "all"

    class Strategy(models.TextChoices):
        RANDOM = "random"
        ENTROPY = "entropy"
        STRATIFIED = "stratified"

    slug = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=120)
    description = models.TextField(blank=True)
    kind = models.CharField(max_length=20, choices=Kind, default=Kind.SEGMENTATION)
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
    strategy = models.CharField(max_length=20, choices=Strategy, default=Strategy.STRATIFIED)
    random_share = models.FloatField(
        default=1 / 3, validators=[MinValueValidator(0), MaxValueValidator(1)]
    )
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
    """A mask the model drew for a task at the head of the queue; no reader ever changes it."""

    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="suggestions")
    model_number = models.PositiveIntegerField()
    packed = models.BinaryField()
    sha256 = models.CharField(max_length=64)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["task", "model_number"], name="suggestion_once")
        ]

    def __str__(self) -> str:
        return f"model {self.model_number} on task {self.task_id}"


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
                condition=Q(state="held"),
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


class Draft(models.Model):
    """The newest unfinished work on an assignment; overwritten only by a higher sequence."""

    assignment = models.OneToOneField(Assignment, on_delete=models.CASCADE, related_name="draft")
    sequence = models.PositiveIntegerField()
    packed = models.BinaryField()
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
