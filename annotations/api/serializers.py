"""What goes in and out of reading and images, as typed fields: the OpenAPI schema comes of these.

The other rooms have theirs: `campaign_forms`, `review_forms`, `transfer_forms`.
"""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from annotations.models import (
    Assignment,
    SuggestionMap,
    Task,
)

Data = Any  # rows, dicts and querysets alike: each field says what it reads
SENT = "base64 of gzip of uint8, or of outlines (reticle.pixels.outline)"


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
    affine = serializers.ListField(
        child=serializers.ListField(child=serializers.FloatField()),
        allow_null=True,
        help_text="4 x 4: (column, row, frame) to RAS mm",
    )
    frames = ImageOutput(many=True)


FINDING = {
    "oneOf": [
        {"type": "string"},
        {"type": "integer"},
        {"type": "array", "items": {"type": "string"}},
    ]
}


@extend_schema_field({"type": "object", "additionalProperties": FINDING})
class FindingsField(serializers.DictField):
    """Answers by question name: an option, a list of options (none: empty), a number or a text."""


def unseen_field(**options: Any) -> serializers.ListField:
    """Make a field for the classes that a reader has not looked at."""
    child = serializers.IntegerField(min_value=1, max_value=254)
    return serializers.ListField(child=child, help_text="classes not looked at", **options)


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

    share = serializers.ChoiceField(
        choices=[
            "model",
            "diversity",
            "random",
            "order",
            "held_out",
            "blind",
            "returned",
            "series",
        ]
    )
    strategy = serializers.CharField(allow_null=True)
    score = serializers.FloatField(allow_null=True)
    rank = serializers.IntegerField(
        allow_null=True, help_text="among what the reader could have been given; 1 is the head"
    )
    place = serializers.IntegerField(allow_null=True, help_text="in the order last published")
    of = serializers.IntegerField(allow_null=True, help_text="cases in that order")
    model_number = serializers.IntegerField(allow_null=True)
    scored_at = serializers.DateTimeField(allow_null=True, help_text="when that model scored it")


class MapOutput(serializers.Serializer[Data]):
    """A map beside a suggestion: bytes 0 to 255 for 0 to 1, to be fetched as a mask is."""

    kind = serializers.ChoiceField(choices=SuggestionMap.Kind.choices)
    class_index = serializers.IntegerField(
        allow_null=True, help_text="of an explanation or occlusion"
    )
    question = serializers.CharField(help_text="of a map about an answer, else empty")
    option = serializers.CharField()
    url = serializers.CharField()


class MapsOutput(serializers.Serializer[Data]):
    """All maps of a case so far."""

    asked = serializers.BooleanField(help_text="a worker is to make more")
    maps = MapOutput(many=True)


class SuggestionOutput(serializers.Serializer[Data]):
    """The model's drawing, to be fetched as a mask, or its answers."""

    id = serializers.IntegerField()
    model_number = serializers.IntegerField()
    mask_url = serializers.CharField()
    findings = FindingsField(help_text="answers by question; nothing is drawn then")
    maps = MapOutput(many=True, help_text="empty until they have been made")


class DraftOutput(serializers.Serializer[Data]):
    """Unfinished work as the server has it."""

    sequence = serializers.IntegerField()
    mask = serializers.CharField(help_text="base64 of gzip of uint8")
    findings = FindingsField()
    unseen = unseen_field()
    seconds = serializers.FloatField()
    saved_at = serializers.DateTimeField()


class ReturnedOutput(serializers.Serializer[Data]):
    """What a reviewer sent back, and why."""

    comment = serializers.CharField()
    mask_url = serializers.CharField()
    findings = FindingsField()
    unseen = unseen_field()


class FrameOutput(serializers.Serializer[Data]):
    """One frame of a series that is read as a whole."""

    assignment = serializers.IntegerField()
    case = serializers.IntegerField(help_text="the number shown to people")
    image = ImageOutput()
    suggestion = SuggestionOutput(allow_null=True)
    draft = DraftOutput(allow_null=True)


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
    frames = FrameOutput(many=True, help_text="of a series in order; empty for a lone image")


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


def base_field() -> serializers.IntegerField:
    """Return the field that says which draft the work goes upon."""
    return serializers.IntegerField(
        min_value=0, required=False,
        help_text="the sequence last known to be kept, 0 for none; another one is a conflict",
    )  # fmt: skip


class DraftInput(TokenInput):
    """Unfinished work, whole or as what changed; `sequence` grows with every save."""

    sequence = serializers.IntegerField(min_value=1, max_value=2**31 - 1)
    base = base_field()
    box = serializers.ListField(
        child=serializers.IntegerField(min_value=0), min_length=4, max_length=4, required=False,
        help_text="x0, y0, x1, y1, half-open: `mask` is this part, to be put upon the draft `base`",
    )  # fmt: skip
    mask = serializers.CharField(help_text=SENT)
    findings = FindingsField(default=dict)
    unseen = unseen_field(default=list)
    seconds = serializers.FloatField(min_value=0, default=0)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """A part needs to be told what it is a part of."""
        if "box" in attrs and "base" not in attrs:
            raise serializers.ValidationError({"base": "A part of a draft needs its base."})
        return attrs


class DraftSaved(serializers.Serializer[Data]):
    """The draft as kept."""

    sequence = serializers.IntegerField()
    saved_at = serializers.DateTimeField()


class AmendInput(serializers.Serializer[Data]):
    """A new version of finished work; the same `key` is the same version."""

    key = serializers.UUIDField()
    base = base_field()
    mask = serializers.CharField(help_text=SENT)
    findings = FindingsField(default=dict)
    unseen = unseen_field(default=list)
    seconds = serializers.FloatField(min_value=0, max_value=86_400, default=0)


class SubmitInput(AmendInput, TokenInput):
    """Finished work; the same `key` is the same submission.

    Whole, or as what changed since the draft `base`: then `sha256` is that of the whole mask. Upon
    another draft than `base` it is refused (stale_draft): one that the sender has seen is answered
    with the whole and its number as `base`, another window's by a choice of the reader's.
    """

    box = serializers.ListField(
        child=serializers.IntegerField(min_value=0), min_length=4, max_length=4, required=False,
        help_text="x0, y0, x1, y1, half-open: `mask` is this part, to be put upon the draft `base`",
    )  # fmt: skip
    sha256 = serializers.RegexField(r"^[0-9a-f]{64}$", required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """A part needs to be told what it is a part of."""
        missing = [name for name in ("base", "sha256") if name not in attrs]
        if "box" in attrs and missing:
            raise serializers.ValidationError(dict.fromkeys(missing, "A part needs this field."))
        return attrs


class FrameDrawn(serializers.Serializer[Data]):
    """What the model draws on one frame."""

    assignment = serializers.IntegerField()
    mask = serializers.CharField(help_text="base64 of gzip of uint8")


class SuggestionsOutput(serializers.Serializer[Data]):
    """What the model draws on the frames of a series, in its order; no frame that has nothing."""

    frames = FrameDrawn(many=True)


class FrameInput(serializers.Serializer[Data]):
    """The drawing on one frame."""

    assignment = serializers.IntegerField()
    base = base_field()
    mask = serializers.CharField(help_text=SENT)


class SeriesInput(TokenInput):
    """A finished series: every frame of it; the same `key` is the same submission."""

    key = serializers.UUIDField()
    frames = FrameInput(many=True, allow_empty=False)
    findings = FindingsField(default=dict)
    unseen = unseen_field(default=list)
    seconds = serializers.FloatField(min_value=0, max_value=86_400, default=0)


class RecentOutput(serializers.Serializer[Data]):
    """One of the reader's last answers."""

    annotation = serializers.IntegerField()
    assignment = serializers.IntegerField()
    case = serializers.IntegerField()
    submitted_at = serializers.DateTimeField()
    task_state = serializers.ChoiceField(choices=Task.State.choices)
    thumbnail_url = serializers.CharField()
    mask_url = serializers.CharField()
    findings = FindingsField()
    unseen = unseen_field()
    hindrance = serializers.CharField(
        allow_null=True, help_text="why it can no longer be amended; null when it can"
    )


class SubmitOutput(serializers.Serializer[Data]):
    """What is stored now."""

    annotation = serializers.IntegerField()
    mask_sha256 = serializers.CharField()
    task_state = serializers.ChoiceField(choices=Task.State.choices)


class SeriesSubmitted(serializers.Serializer[Data]):
    """What is stored now, frame by frame in the order of their assignments."""

    frames = SubmitOutput(many=True)
