"""What goes in and out of the doors of imports and exports, as typed fields."""

from rest_framework import serializers

from annotations.api.serializers import Data
from annotations.models import Export


class ItemCounts(serializers.Serializer[Data]):
    """Files of an import by what became of them."""

    waiting = serializers.IntegerField()
    accepted = serializers.IntegerField()
    duplicate = serializers.IntegerField()
    rejected = serializers.IntegerField()


class ImportOutput(serializers.Serializer[Data]):
    """A batch of files on its way in."""

    id = serializers.IntegerField()
    number = serializers.IntegerField(help_text="in its campaign, from 1")
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

    size = serializers.IntegerField(
        required=False,
        help_text="bytes of all files together, said first: what is cut short is refused",
    )
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
