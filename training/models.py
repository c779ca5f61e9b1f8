"""The lineage of every model: which data, which run, which verdict, which predictions."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Func, Q
from django.db.models.functions import Now

from annotations.models import Campaign, Export
from reticle.images.models import Image
from training import figures


class Snapshot(models.Model):
    """The exact data a model saw: `manifest` rows of image, mask, split, and their hash."""

    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="snapshots")
    sha256 = models.CharField(max_length=64)
    manifest = models.JSONField(
        help_text="{classes or questions, training: [...], held_out: [...]}"
    )
    labels = models.PositiveIntegerField(help_text="settled training cases")
    held_out = models.PositiveIntegerField()
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"snapshot {self.sha256[:8]} of {self.campaign_id}"


class TrainingRun(models.Model):
    """One attempt to make a better model; its row is the job."""

    class State(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        VALIDATING = "validating"
        SUCCEEDED = "succeeded"
        FAILED = "failed"
        CANCELLED = "cancelled"

    class Kind(models.TextChoices):
        TRAIN = "train"
        CROSS = "cross"  # a model per fold of the training patients

    class Start(models.TextChoices):
        AUTO = "auto"  # as the campaign's policy says
        SCRATCH = "scratch"
        CHAMPION = "champion"
        TRANSFER = "transfer"  # the donor's weights, by name
        FILE = "file"  # those of a model handed in, by name
        PRETRAINED = "pretrained"  # what the pool's images alone have taught

    ACTIVE = (State.QUEUED, State.RUNNING, State.VALIDATING)
    FROM_ALL = Q(kind="train") | Q(best=True)
    """Runs that are to end with a model of all labels: those labels are no new ones any more."""

    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="runs")
    snapshot = models.ForeignKey(Snapshot, null=True, on_delete=models.PROTECT, related_name="runs")
    base = models.ForeignKey(
        "ModelVersion", null=True, on_delete=models.PROTECT, related_name="children"
    )
    kind = models.CharField(max_length=5, choices=Kind, default=Kind.TRAIN)
    folds = models.PositiveSmallIntegerField(default=0, help_text="of a cross-validation")
    ensemble = models.BooleanField(default=False, help_text="its folds are to be a candidate")
    variants = models.JSONField(
        default=list, help_text="[{name, preset, recipe, config}] that are cross-validated"
    )
    best = models.BooleanField(
        default=False, help_text="the variant that is chosen is trained on all labels"
    )
    choice = models.JSONField(default=dict, help_text="see training.variants.choice_of")
    start = models.CharField(max_length=10, choices=Start, default=Start.AUTO)
    donor = models.ForeignKey(
        "ModelVersion",
        null=True,
        on_delete=models.PROTECT,
        related_name="taken_over",
        help_text="whose weights a run with start `transfer` begins with",
    )
    file = models.JSONField(
        default=dict,
        help_text="{name, card_sha256, weights_sha256} a run with start `file` begins with",
    )
    config = models.JSONField(default=dict)
    code_version = models.CharField(max_length=40, blank=True, help_text="of this software")
    seed = models.PositiveIntegerField(default=0)
    state = models.CharField(max_length=12, choices=State, default=State.QUEUED)
    reason = models.CharField(max_length=200, blank=True, help_text="what triggered it")
    attempt = models.PositiveSmallIntegerField(default=0)
    token = models.PositiveIntegerField(default=0, help_text="fencing: grows with every claim")
    claimed_until = models.DateTimeField(null=True)
    heartbeat_at = models.DateTimeField(null=True)
    cancel_requested = models.BooleanField(default=False)
    progress = models.JSONField(default=dict)
    epochs = models.JSONField(default=list, help_text="one row of metrics an epoch")
    report = models.JSONField(default=dict, help_text="see training.crossval.report_of")
    error = models.TextField(blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(db_default=Now())
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["campaign"],
                condition=Q(state__in=["queued", "running", "validating"]),
                name="one_active_run",
            )
        ]

    def __str__(self) -> str:
        return f"run {self.pk} ({self.state})"


class ModelVersion(models.Model):
    """Trained weights with their origin; one champion a campaign."""

    class State(models.TextChoices):
        CANDIDATE = "candidate"
        SHADOW = "shadow"  # passed the gate, runs beside the champion until a person decides
        CHAMPION = "champion"
        RETIRED = "retired"
        REJECTED = "rejected"
        REPLACED = "replaced"  # in the shadow, by a newer one: nobody decided on it

    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="models")
    number = models.PositiveIntegerField()
    run = models.OneToOneField(TrainingRun, on_delete=models.PROTECT, related_name="model")
    weights_sha256 = models.CharField(max_length=64)
    card = models.JSONField(default=dict, help_text="model.json: architecture, plan, classes")
    state = models.CharField(max_length=10, choices=State, default=State.CANDIDATE)
    decision = models.JSONField(default=dict, help_text="verdict, reasons, numbers, cases")
    created_at = models.DateTimeField(db_default=Now())
    champion_since = models.DateTimeField(null=True)
    ordered_by = models.CharField(
        max_length=40, blank=True, help_text="strategy and random share its order was made with"
    )
    selection = models.JSONField(default=dict, help_text="see training.gain.gain_of")
    robustness = models.JSONField(default=dict, help_text="see training.ml.robust.robustness")
    committee = models.JSONField(
        default=dict, help_text="{sha256, members} or why there is none: see training.committee"
    )
    unfamiliar = models.JSONField(
        default=list,
        help_text="[{image, beyond}]: open cases unlike those it knows, farthest first",
    )
    unmeasured = models.JSONField(
        default=dict,
        help_text="{snapshot, reason}: why it could not be measured on that held-out list",
    )
    unreadable = models.JSONField(
        default=list, help_text="images left out of its scores: they could not be read"
    )
    scoring_error = models.TextField(blank=True, help_text="why its last scoring failed")
    scored_at = models.DateTimeField(null=True, help_text="when its scores re-ordered the queue")
    scoring_until = models.DateTimeField(null=True)
    scoring_token = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["campaign", "number"], name="model_number_once"),
            models.UniqueConstraint(
                fields=["campaign"], condition=Q(state="champion"), name="one_champion"
            ),
            models.UniqueConstraint(
                fields=["campaign"], condition=Q(state="shadow"), name="one_shadow"
            ),
        ]

    def __str__(self) -> str:
        return f"v{self.number}"

    @property
    def questions(self) -> list[dict[str, Any]]:
        """What it answers, {code, kind, options} each; none where it draws classes."""
        return list(self.card.get("questions", []))


class OnnxFile(models.Model):
    """A model version as one ONNX file, made by a worker when somebody asks; its row is the job."""

    model = models.OneToOneField(ModelVersion, on_delete=models.CASCADE, related_name="onnx")
    state = models.CharField(max_length=10, choices=Export.State, default=Export.State.QUEUED)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    asked_at = models.DateTimeField(db_default=Now())
    claimed_until = models.DateTimeField(null=True)
    attempt = models.PositiveSmallIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True)
    size = models.PositiveBigIntegerField(default=0, help_text="bytes")
    difference = models.FloatField(
        null=True, help_text="greatest one of a probability to torch's on the images of the check"
    )
    reason = models.JSONField(default=dict, help_text="why it failed: see training.reasons")
    finished_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.model_id} as ONNX ({self.state})"


class Evaluation(models.Model):
    """How one model did on the held-out cases of one snapshot."""

    model = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="evaluations")
    snapshot = models.ForeignKey(Snapshot, on_delete=models.PROTECT, related_name="evaluations")
    report = models.JSONField()
    summary = models.GeneratedField(
        expression=Func(
            F("report"), template="(%(expressions)s - '{cases,patients,shapes}'::text[])"
        ),
        output_field=models.JSONField(),
        db_persist=True,
        help_text="the report without its rows of cases and patients, which are most of it",
    )
    mean_dice = models.FloatField(null=True, help_text="null where nothing is drawn")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["model", "snapshot"], name="evaluation_once")
        ]

    def __str__(self) -> str:
        return f"{self.model_id} on {self.snapshot_id}"

    @property
    def score(self) -> float | None:
        """The mean Dice over all classes that some case shows, or of all answers the accuracy."""
        return figures.mean_of(self.report)


class ColdOrder(models.Model):
    """The order of a campaign's queue by how images differ, before there is a model."""

    campaign = models.OneToOneField(Campaign, on_delete=models.CASCADE, related_name="cold_order")
    images = models.PositiveIntegerField(
        default=0, help_text="in the pool when it was last made, or failed"
    )
    ordered_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True, help_text="why the last attempt failed")
    deaths = models.PositiveSmallIntegerField(
        default=0, help_text="how often its child was killed since it was last made, or failed"
    )
    claimed_until = models.DateTimeField(null=True)
    token = models.PositiveIntegerField(default=0, help_text="fencing: grows with every claim")

    def __str__(self) -> str:
        return f"the first order of {self.campaign_id}"


class Prediction(models.Model):
    """What one model says of one image: mask or answers, score, embedding."""

    model = models.ForeignKey(ModelVersion, on_delete=models.CASCADE, related_name="predictions")
    image = models.ForeignKey(Image, on_delete=models.PROTECT, related_name="predictions")
    packed = models.BinaryField(help_text="empty where nothing is drawn")
    answers = models.JSONField(default=dict, help_text="probability by question and option")
    score = models.FloatField(null=True)
    class_scores = models.JSONField(default=dict)
    measures = models.JSONField(default=dict, help_text="see training.ml.measures.of_image")
    foreground = models.FloatField(default=0)
    embedding = models.BinaryField(null=True, help_text="float32, little-endian")
    gradient = models.BinaryField(null=True, help_text="float32, little-endian; see BADGE")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["model", "image"], name="prediction_once")]

    def __str__(self) -> str:
        return f"{self.model_id} on {self.image_id}"
