"""Doors of the pictures in a guideline: a manager adds and removes, members see."""

from typing import Any, ClassVar

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from annotations import pictures
from annotations.api import campaign_forms as forms
from annotations.api.base import CampaignView, PolicyView, immutable_bytes, person
from annotations.models import Picture
from reticle import storage
from reticle.accounts.roles import Action
from reticle.errors import Invalid, NotFound

PICTURE = {(200, kind): OpenApiTypes.BINARY for kind in ("image/png", "image/jpeg")}


def picture_json(row: Picture) -> dict[str, Any]:
    """Return a picture as the forms list it: a PictureOutput."""
    return {
        "id": row.pk, "width": row.width, "height": row.height,
        "url": f"/api/v1/pictures/{row.pk}",
    }  # fmt: skip


class PicturesView(CampaignView):
    """The pictures of a campaign."""

    policy: ClassVar[dict[str, Action | None]] = {"get": Action.VIEW, "post": Action.MANAGE}
    parser_classes = (MultiPartParser,)

    @extend_schema(responses=forms.PictureOutput(many=True))
    def get(self, request: Request, slug: str) -> Response:
        """List them, oldest first."""
        rows = [picture_json(row) for row in self.campaign.pictures.order_by("id")]
        return Response(forms.PictureOutput(rows, many=True).data)

    @extend_schema(
        request={"multipart/form-data": forms.PictureInput}, responses={201: forms.PictureOutput}
    )
    def post(self, request: Request, slug: str) -> Response:
        """Add one; what is kept are its pixels."""
        form = forms.PictureInput(data={"file": request.FILES.get("file")})
        form.is_valid(raise_exception=True)
        file = form.validated_data["file"]
        if file.size > pictures.MAX_BYTES:
            raise Invalid("This picture is too large.", code="picture_large")
        row = pictures.picture_add(actor=person(request), campaign=self.campaign, sent=file.read())
        answer = forms.PictureOutput(picture_json(row)).data
        return Response(answer, status=status.HTTP_201_CREATED)


class PictureView(PolicyView):
    """One picture."""

    policy: ClassVar[dict[str, Action | None]] = {"get": Action.VIEW, "delete": Action.MANAGE}

    def picture(self, pk: int) -> Picture:
        """Return it. Raises NotFound, also for those of other people's campaigns."""
        row = Picture.objects.select_related("campaign").filter(pk=pk).first()
        if row is None:
            raise NotFound("There is no such picture.")
        self.permit(row.campaign)
        return row

    @extend_schema(responses=PICTURE)
    def get(self, request: Request, pk: int) -> HttpResponse:
        """Return it as it was encoded here."""
        row = self.picture(pk)
        return immutable_bytes(request, storage.read_gzip(row.sha256), row.sha256, row.media_type)

    @extend_schema(request=None, responses={204: None})
    def delete(self, request: Request, pk: int) -> Response:
        """Take it out of the guideline."""
        pictures.picture_remove(actor=person(request), picture=self.picture(pk))
        return Response(status=status.HTTP_204_NO_CONTENT)
