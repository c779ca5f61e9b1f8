"""Doors of imports and exports."""

from collections import Counter
from pathlib import Path
from typing import Any, ClassVar

from django.http import FileResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from annotations import export, join
from annotations.api import transfer_forms as forms
from annotations.api.base import CampaignView, PolicyView, person
from annotations.api.campaigns import whole_number
from annotations.models import Export, Import
from reticle.accounts.roles import Action
from reticle.errors import Conflict, Invalid, NotFound
from reticle.images.intake import item_counts, staged, upload_folder

ITEMS = 200


def import_json(row: Import, number: int) -> dict[str, Any]:
    """Return an import, by its number in the campaign, with the number of files in each state."""
    return {
        "id": row.pk,
        "number": number,
        "state": "joined" if row.joined_at else row.intake.state,
        "source": row.intake.source,
        "created_at": row.intake.created_at,
        "joined_at": row.joined_at,
        "counts": item_counts(row.intake),
        "error": row.intake.error,
    }


class ImportsView(CampaignView):
    """Batches of files into a campaign."""

    policy: ClassVar[dict[str, Action | None]] = {"get": Action.MANAGE, "post": Action.MANAGE}
    parser_classes = (MultiPartParser,)

    @extend_schema(responses=forms.ImportOutput(many=True))
    def get(self, request: Request, slug: str) -> Response:
        """List the newest fifty."""
        rows = self.campaign.imports.select_related("intake").order_by("-id")[:50]
        numbers = join.import_numbers(self.campaign)
        found = [import_json(row, numbers[row.pk]) for row in rows]
        return Response(forms.ImportOutput(found, many=True).data)

    @extend_schema(
        request={"multipart/form-data": forms.ImportInput}, responses={201: forms.ImportOutput}
    )
    def post(self, request: Request, slug: str) -> Response:
        """Take files (or zips); a worker parses them, the answer comes at once.

        Raises Invalid where the request was cut short.
        """
        given = request.FILES.getlist("files")
        size = {"size": request.POST["size"]} if "size" in request.POST else {}
        form = forms.ImportInput(data={"files": given, **size})
        form.is_valid(raise_exception=True)
        # Of a request that breaks off there are the files that came before.
        arrived = sum(file.size for file in given)
        if form.validated_data.get("size", arrived) != arrived:
            raise Invalid("Not all of the files arrived: none is taken in.", code="cut_short")
        folder, files = upload_folder(), []
        taken: Counter[Path] = Counter()
        for sent in form.validated_data["files"]:
            with staged(folder, sent.name, taken) as output:
                for chunk in sent.chunks():
                    output.write(chunk)
            files.append((sent.name, Path(output.name)))
        row = join.import_create(
            campaign=self.campaign, actor=person(request), source="upload", files=files
        )
        answer = import_json(row, join.import_numbers(self.campaign)[row.pk])
        return Response(forms.ImportOutput(answer).data, status=status.HTTP_201_CREATED)


class ImportView(PolicyView):
    """One batch with its files."""

    policy: ClassVar[dict[str, Action | None]] = {"get": Action.MANAGE}

    @extend_schema(
        responses=forms.ImportDetail,
        parameters=[OpenApiParameter("after", int, description="the last item of a page")],
    )
    def get(self, request: Request, pk: int) -> Response:
        """Return counts and two hundred files a page."""
        row = Import.objects.select_related("campaign", "intake").filter(pk=pk).first()
        if row is None:
            raise NotFound("There is no such import.")
        self.permit(row.campaign)
        items = row.intake.items.filter(pk__gt=whole_number(request, "after") or 0).order_by("id")
        page = list(items[: ITEMS + 1])
        shown = [
            {
                "id": item.pk, "name": item.name, "state": item.state, "code": item.code,
                "reason": item.reason, "images": len(item.images),
            }
            for item in page[:ITEMS]
        ]  # fmt: skip
        more = page[ITEMS - 1].pk if len(page) > ITEMS else None
        number = join.import_numbers(row.campaign)[row.pk]
        answer = {**import_json(row, number), "items": shown, "next": more}
        return Response(forms.ImportDetail(answer).data)


def export_json(row: Export) -> dict[str, Any]:
    """Return an export; the file's address once it is there."""
    done = row.state == Export.State.DONE
    return {
        "id": row.pk,
        "state": row.state,
        "cases": row.cases,
        "sha256": row.sha256,
        "error": row.error,
        "created_at": row.created_at,
        "finished_at": row.finished_at,
        "file_url": f"/api/v1/exports/{row.pk}/file" if done else None,
    }


class ExportsView(CampaignView):
    """Zips of labels."""

    policy: ClassVar[dict[str, Action | None]] = {"get": Action.MANAGE, "post": Action.MANAGE}

    @extend_schema(responses=forms.ExportOutput(many=True))
    def get(self, request: Request, slug: str) -> Response:
        """List the newest fifty."""
        rows = self.campaign.exports.order_by("-id")[:50]
        return Response(forms.ExportOutput([export_json(row) for row in rows], many=True).data)

    @extend_schema(request=None, responses={201: forms.ExportOutput})
    def post(self, request: Request, slug: str) -> Response:
        """Queue an export of PNG masks and COCO."""
        row = export.export_create(campaign=self.campaign, actor=person(request))
        row.refresh_from_db()
        return Response(forms.ExportOutput(export_json(row)).data, status=status.HTTP_201_CREATED)


class ExportBase(PolicyView):
    """A door to one export."""

    policy: ClassVar[dict[str, Action | None]] = {"get": Action.MANAGE}

    def export(self, pk: int) -> Export:
        """Return the export. Raises NotFound."""
        row = Export.objects.select_related("campaign").filter(pk=pk).first()
        if row is None:
            raise NotFound("There is no such export.")
        self.permit(row.campaign)
        return row


class ExportView(ExportBase):
    """One export."""

    @extend_schema(responses=forms.ExportOutput)
    def get(self, request: Request, pk: int) -> Response:
        """Return its state."""
        return Response(forms.ExportOutput(export_json(self.export(pk))).data)


class ExportFileView(ExportBase):
    """The zip itself."""

    @extend_schema(responses={(200, "application/zip"): OpenApiTypes.BINARY})
    def get(self, request: Request, pk: int) -> FileResponse:
        """Stream the file. Raises Conflict while it is being made."""
        row = self.export(pk)
        if row.state != Export.State.DONE:
            raise Conflict("The export is not ready yet.", code="not_ready")
        path = export.export_path(row)
        if not path.is_file():
            raise NotFound("The file was removed from the server: make a new export.")
        return FileResponse(path.open("rb"), as_attachment=True, filename=row.file)
