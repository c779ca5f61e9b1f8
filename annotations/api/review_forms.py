"""What goes in and out of the doors of reviews and remarks, as typed fields."""

from rest_framework import serializers

from annotations.api.serializers import (
    Data,
    FindingsField,
    ImageOutput,
    SuggestionOutput,
    TaskRef,
    unseen_field,
)
from annotations.models import Review, Task


class PlaceField(serializers.Serializer[Data]):
    """A place on an image, in pixels from its upper left corner."""

    x = serializers.FloatField()
    y = serializers.FloatField()


class RemarkInput(serializers.Serializer[Data]):
    """Something to say of a case."""

    text = serializers.CharField(max_length=2000)
    place = PlaceField(allow_null=True, default=None)
    flag = serializers.BooleanField(default=False, help_text="ask a colleague to look")


class RemarkOutput(serializers.Serializer[Data]):
    """Something said of a case."""

    id = serializers.IntegerField()
    case = serializers.IntegerField()
    image = serializers.IntegerField()
    author = serializers.CharField()
    mine = serializers.BooleanField()
    text = serializers.CharField()
    place = PlaceField(allow_null=True)
    flag = serializers.BooleanField()
    settled = serializers.BooleanField(help_text="a colleague has looked")
    created_at = serializers.DateTimeField()


class ReviewItem(serializers.Serializer[Data]):
    """An annotation that waits for a reviewer."""

    annotation = serializers.IntegerField()
    task = TaskRef()
    reader = serializers.CharField()
    submitted_at = serializers.DateTimeField()
    seconds = serializers.FloatField()
    image = ImageOutput()
    slices = serializers.IntegerField(help_text="of the image's series")
    mask_url = serializers.CharField()
    findings = FindingsField()
    unseen = unseen_field()
    suggestion = SuggestionOutput(allow_null=True)


class VersionOutput(serializers.Serializer[Data]):
    """One version of one reader's answer."""

    annotation = serializers.IntegerField()
    reader = serializers.CharField()
    submitted_at = serializers.DateTimeField()
    newest = serializers.BooleanField(help_text="of this reader")
    mask_url = serializers.CharField()


class ReviewInput(serializers.Serializer[Data]):
    """A verdict."""

    verdict = serializers.ChoiceField(choices=Review.Verdict.choices)
    comment = serializers.CharField(allow_blank=True, default="", max_length=5000)


class ReviewOutput(serializers.Serializer[Data]):
    """The verdict as stored."""

    id = serializers.IntegerField()
    verdict = serializers.CharField()
    task_state = serializers.ChoiceField(choices=Task.State.choices)
