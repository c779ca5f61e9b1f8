"""Health, the front end's page, and the answer for addresses that do not exist."""

from django.conf import settings
from django.db import connection
from django.db.utils import DatabaseError
from django.http import HttpRequest, HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from reticle.errors import NotFound

NOT_BUILT = "The front end is not built yet: run `make build`, then load this page again."


class HealthOutput(serializers.Serializer[object]):
    """What `health` answers."""

    status = serializers.CharField()
    database = serializers.BooleanField()


class HealthView(APIView):
    """Tell a load balancer whether this process can serve."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(responses=HealthOutput)
    def get(self, request: Request) -> Response:
        """Answer 200 when the database answers, else 503."""
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
        except DatabaseError:
            return Response({"status": "unwell", "database": False}, status=503)
        return Response({"status": "ok", "database": True})


@extend_schema(exclude=True)
class NoSuchAddressView(APIView):
    """Answer unknown API addresses in the API's own form."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    def initial(self, request: Request, *args: object, **kwargs: object) -> None:
        """Refuse every method the same way."""
        raise NotFound("There is nothing at this address.")


def front_end(request: HttpRequest) -> HttpResponse:
    """Serve the single page; its router reads the rest of the address."""
    page = settings.FRONTEND_FOLDER / "index.html"
    if not page.is_file():
        return HttpResponse(NOT_BUILT, status=503, content_type="text/plain")
    answer = HttpResponse(page.read_bytes(), content_type="text/html; charset=utf-8")
    answer["Cache-Control"] = "no-cache"
    return answer
