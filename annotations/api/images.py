"""Doors of pixels and masks: bytes with an ETag, seen only by those whose campaign holds them."""

import hashlib
from typing import ClassVar

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from annotations import access
from annotations.api import serializers as forms
from annotations.api.base import PolicyView, immutable_bytes, person
from annotations.models import Annotation, Assignment, Suggestion, SuggestionMap
from reticle import storage
from reticle.accounts.roles import Action, allowed
from reticle.errors import NotFound
from reticle.images.models import Image, Series
from reticle.images.render import describe, thumbnail

BYTES = {(200, "application/octet-stream"): OpenApiTypes.BINARY}


class ImageBase(PolicyView):
    """A door to one image: membership of a campaign with a task in its series is asked."""

    policy: ClassVar[dict[str, Action | None]] = {"get": Action.VIEW}

    def image(self, pk: int) -> Image:
        """Return the image. Raises NotFound also for images of other people's campaigns."""
        found = Image.objects.select_related("series__study").filter(pk=pk).first()
        if found is None:
            raise NotFound("There is no such image.")
        access.require_image(person(self.request), found)
        return found


class ImageView(ImageBase):
    """The description of one image."""

    @extend_schema(responses=forms.ImageOutput)
    def get(self, request: Request, pk: int) -> Response:
        """Return geometry, sample type and window."""
        return Response(forms.ImageOutput(describe(self.image(pk))).data)


class PixelsView(ImageBase):
    """The raw samples."""

    @extend_schema(responses=BYTES)
    def get(self, request: Request, pk: int) -> HttpResponse:
        """Return little-endian samples at full bit depth."""
        image = self.image(pk)
        return immutable_bytes(
            request, storage.read_gzip(image.sha256), image.sha256, "application/octet-stream"
        )


class ThumbnailView(ImageBase):
    """A small picture."""

    @extend_schema(responses={(200, "image/png"): OpenApiTypes.BINARY})
    def get(self, request: Request, pk: int) -> HttpResponse:
        """Return a PNG of at most 128 pixels a side."""
        body = thumbnail(self.image(pk))
        tag = hashlib.sha256(body).hexdigest()
        return immutable_bytes(request, body, tag, "image/png", gzipped=False)


class SeriesView(PolicyView):
    """A series for context."""

    policy: ClassVar[dict[str, Action | None]] = {"get": Action.VIEW}

    @extend_schema(responses=forms.SeriesOutput)
    def get(self, request: Request, pk: int) -> Response:
        """Return the frames in order."""
        series = Series.objects.filter(pk=pk).first()
        frames = (
            Image.objects.filter(series_id=pk).select_related("series__study").order_by("index")
        )
        if series is None or not frames:
            raise NotFound("There is no such series.")
        access.require_image(person(request), frames[0])
        answer = {
            "id": series.pk,
            "modality": series.modality,
            "count": len(frames),
            "spacing_between": series.spacing_between,
            "affine": series.affine,
            "frames": [describe(frame) for frame in frames],
        }
        return Response(forms.SeriesOutput(answer).data)


class SuggestionBase(PolicyView):
    """What a model says, for the reader whose assignment offers it and for reviewers."""

    policy: ClassVar[dict[str, Action | None]] = {"get": Action.VIEW}

    def offered(self, request: Request, row: Suggestion | None) -> Suggestion:
        """Return the suggestion.

        Raises NotFound also where it was not offered: a blind case stays blind.
        """
        if row is None:
            raise NotFound("There is no such suggestion.")
        roles = self.permit(row.task.campaign)
        offered = Assignment.objects.filter(suggestion=row, reader=person(request)).exists()
        if not offered and not allowed(roles, Action.REVIEW):
            raise NotFound("There is no such suggestion.")
        return row


class SuggestionMapView(SuggestionBase):
    """How unsure the model is, or where it looked."""

    @extend_schema(responses=BYTES)
    def get(self, request: Request, pk: int) -> HttpResponse:
        """Return the map as uint8, rows x columns."""
        rows = SuggestionMap.objects.select_related("suggestion__task__campaign")
        row = rows.filter(pk=pk).first()
        self.offered(request, row.suggestion if row else None)
        assert row is not None  # offered() has refused
        return immutable_bytes(request, bytes(row.packed), row.sha256, "application/octet-stream")


class SuggestionMaskView(SuggestionBase):
    """The model's drawing."""

    @extend_schema(responses=BYTES)
    def get(self, request: Request, pk: int) -> HttpResponse:
        """Return the mask as uint8, rows x columns."""
        found = Suggestion.objects.select_related("task__campaign").filter(pk=pk).first()
        row = self.offered(request, found)
        return immutable_bytes(request, bytes(row.packed), row.sha256, "application/octet-stream")


class AnnotationMaskView(PolicyView):
    """What a person drew, for its author and for reviewers."""

    policy: ClassVar[dict[str, Action | None]] = {"get": Action.VIEW}

    @extend_schema(responses=BYTES)
    def get(self, request: Request, pk: int) -> HttpResponse:
        """Return the mask as uint8, rows x columns."""
        row = Annotation.objects.select_related("task__campaign").filter(pk=pk).first()
        if row is None:
            raise NotFound("There is no such annotation.")
        roles = self.permit(row.task.campaign)
        if row.author_id != person(request).pk and not allowed(roles, Action.REVIEW):
            raise NotFound("There is no such annotation.")
        return immutable_bytes(request, bytes(row.packed), row.sha256, "application/octet-stream")
