"""Doors of a series in one reader's hands: what a model draws on its frames, and all handed in."""

import base64
import gzip
import hashlib
from typing import ClassVar

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from annotations import series
from annotations.api import serializers as forms
from annotations.api.base import immutable_bytes, packed_mask
from annotations.api.reading import AssignmentBase, said, stored
from reticle.accounts.roles import Action


class SuggestionsView(AssignmentBase):
    """The model's drawings on all frames of a series at once."""

    policy: ClassVar[dict[str, Action | None]] = {"get": Action.READ}

    @extend_schema(responses=forms.SuggestionsOutput)
    def get(self, request: Request, pk: int) -> HttpResponse:
        """Return them by assignment, as masks travel in JSON; a blind series has none.

        What a lease offers never changes, so that a browser keeps the answer as it keeps masks.
        """
        drawn = series.series_suggestions(self.row)
        frames = [
            {"assignment": each, "mask": base64.b64encode(packed).decode()}
            for each, packed in drawn.items()
        ]
        body = JSONRenderer().render(forms.SuggestionsOutput({"frames": frames}).data)
        # Packed lightly: it takes away what base64 adds, and the masks are packed already.
        return immutable_bytes(
            request, gzip.compress(body, 1, mtime=0), hashlib.sha256(body).hexdigest(),
            "application/json",
        )  # fmt: skip


class SeriesSubmitView(AssignmentBase):
    """A finished series."""

    policy: ClassVar[dict[str, Action | None]] = {"post": Action.READ}

    @extend_schema(
        request=forms.SeriesInput,
        responses={201: forms.SeriesSubmitted, 200: forms.SeriesSubmitted},
    )
    def post(self, request: Request, pk: int) -> Response:
        """Store every frame's annotation once, all or none; the same key again answers 200."""
        form = forms.SeriesInput(data=request.data)
        form.is_valid(raise_exception=True)
        given = form.validated_data
        done = series.series_submit(
            leader=self.row,
            token=given["token"],
            key=given["key"],
            frames={
                row["assignment"]: series.Drawn(packed_mask(row["mask"]), row.get("base"))
                for row in given["frames"]
            },
            said=said(given),
            seconds=given["seconds"],
        )
        answer = {"frames": [stored(each) for each in done]}
        code = status.HTTP_200_OK if done[0].replayed else status.HTTP_201_CREATED
        return Response(forms.SeriesSubmitted(answer).data, status=code)
