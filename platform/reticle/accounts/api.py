"""Doors: log in, log out, who am I."""

from typing import Any, ClassVar

from django.contrib.auth import authenticate, login, logout
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_protect, ensure_csrf_cookie
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import ScopedRateThrottle
from rest_framework.views import APIView

from reticle.accounts.models import User
from reticle.accounts.roles import Action
from reticle.audit.record import record
from reticle.errors import Unauthenticated


class UserOutput(serializers.Serializer[Any]):
    """The logged-in person."""

    id = serializers.IntegerField()
    username = serializers.CharField()
    name = serializers.CharField()
    is_administrator = serializers.BooleanField(source="is_superuser")
    language = serializers.CharField()


class SessionOutput(serializers.Serializer[Any]):
    """Who is logged in; `user` is null for nobody."""

    user = UserOutput(allow_null=True)


class SessionInput(serializers.Serializer[Any]):
    """Credentials."""

    username = serializers.CharField()
    password = serializers.CharField()


def session_json(request: Request) -> dict[str, Any]:
    """Return the session as shown to the browser."""
    user = request.user if request.user.is_authenticated else None
    return dict(SessionOutput({"user": user}).data)


@method_decorator(ensure_csrf_cookie, name="dispatch")
class SessionView(APIView):
    """The caller's session; reading it also sets the CSRF cookie."""

    permission_classes = (AllowAny,)
    throttle_scope = "login"
    policy: ClassVar[dict[str, Action | None]] = {"get": None, "post": None, "delete": None}

    def get_throttles(self) -> list[Any]:
        """Only attempts to log in are counted."""
        return [ScopedRateThrottle()] if self.request.method == "POST" else []

    @extend_schema(responses=SessionOutput)
    def get(self, request: Request) -> Response:
        """Tell who is logged in."""
        return Response(session_json(request))

    @extend_schema(request=SessionInput, responses=SessionOutput)
    @method_decorator(csrf_protect)
    def post(self, request: Request) -> Response:
        """Log in. 401 when the credentials are wrong, without saying which."""
        form = SessionInput(data=request.data)
        form.is_valid(raise_exception=True)
        user = authenticate(request._request, **form.validated_data)
        if not isinstance(user, User):
            raise Unauthenticated("The user name or the password is wrong.", code="bad_credentials")
        login(request._request, user)
        record(actor_id=user.pk, action="session.open", target=user)
        request.user = user
        return Response(session_json(request))

    @extend_schema(request=None, responses={204: None})
    def delete(self, request: Request) -> Response:
        """Log out."""
        logout(request._request)
        return Response(status=status.HTTP_204_NO_CONTENT)
