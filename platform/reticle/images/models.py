"""Images as they are kept: de-identified, full bit depth, one row a frame."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now


class Study(models.Model):
    """One visit of one patient; `patient_key` is a keyed pseudonym."""

    uid = models.CharField(max_length=64, unique=True)
    patient_key = models.CharField(max_length=64, db_index=True)

    def __str__(self) -> str:
        return f"{self.patient_key} {self.uid}"


class Series(models.Model):
    """An ordered stack of frames; a lone picture is a stack of one."""

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="series")
    uid = models.CharField(max_length=64, unique=True)
    modality = models.CharField(max_length=16, default="OT")
    spacing_between = models.FloatField(null=True, help_text="mm between neighbouring frames")
    affine = models.JSONField(null=True, help_text="4 x 4, voxel to patient, mm")
    attributes = models.JSONField(default=dict, help_text="sex, age_band, scanner, site ...")
    warnings = models.JSONField(default=list)
    burned_in_suspect = models.BooleanField(default=False)
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.modality} {self.uid}"


class Image(models.Model):
    """One 2D frame, the unit of labelling. Its samples are the blob named `sha256`."""

    series = models.ForeignKey(Series, on_delete=models.PROTECT, related_name="images")
    index = models.PositiveIntegerField()
    position = models.FloatField(null=True, help_text="mm along the slice normal")
    uid = models.CharField(max_length=64, blank=True, help_text="remapped SOP instance")
    sha256 = models.CharField(max_length=64, db_index=True)
    rows = models.PositiveIntegerField()
    columns = models.PositiveIntegerField()
    channels = models.PositiveSmallIntegerField(default=1)
    dtype = models.CharField(max_length=8)
    bits = models.PositiveSmallIntegerField()
    slope = models.FloatField(default=1.0)
    intercept = models.FloatField(default=0.0)
    photometric = models.CharField(max_length=16, default="MONOCHROME2")
    window_center = models.FloatField(null=True)
    window_width = models.FloatField(null=True)
    spacing_row = models.FloatField(null=True, help_text="mm between rows")
    spacing_column = models.FloatField(null=True, help_text="mm between columns")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["series", "index"], name="image_index_in_series"),
            models.UniqueConstraint(
                fields=["series", "uid"], condition=~models.Q(uid=""), name="image_uid_in_series"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.series_id}/{self.index}"


class ReferenceMask(models.Model):
    """Hidden truth for simulation: no reader route, selection or training reads it."""

    image = models.OneToOneField(Image, on_delete=models.PROTECT, related_name="reference")
    packed = models.BinaryField()
    sha256 = models.CharField(max_length=64)

    def __str__(self) -> str:
        return f"reference of {self.image_id}"


class Intake(models.Model):
    """One batch of files on its way in."""

    class State(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"

    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    source = models.CharField(max_length=20, help_text="upload or command")
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    claimed_until = models.DateTimeField(null=True)
    attempt = models.PositiveSmallIntegerField(default=0)
    error = models.TextField(blank=True)
    created_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["id"],
                name="intake_unfinished",
                condition=models.Q(state__in=["queued", "running"]),
            )
        ]

    def __str__(self) -> str:
        return f"intake {self.pk} ({self.state})"


class IntakeItem(models.Model):
    """One file of a batch and what became of it. The name is shown to the sender only."""

    class State(models.TextChoices):
        WAITING = "waiting"
        ACCEPTED = "accepted"
        DUPLICATE = "duplicate"
        REJECTED = "rejected"

    intake = models.ForeignKey(Intake, on_delete=models.CASCADE, related_name="items")
    name = models.CharField(max_length=255)
    path = models.CharField(max_length=4096, help_text="where the bytes wait; emptied when done")
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    code = models.CharField(max_length=40, blank=True)
    reason = models.TextField(blank=True)
    sha256 = models.CharField(max_length=64, blank=True, db_index=True)
    images = ArrayField(models.BigIntegerField(), default=list)

    class Meta:
        indexes = [models.Index(fields=["intake", "id"], name="intake_item_order")]

    def __str__(self) -> str:
        return f"{self.name}: {self.state}"
