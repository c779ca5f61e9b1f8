"""Doors: log in, log out, who am I, and what I like."""

from typing import Any, ClassVar, cast

from django.contrib.auth import authenticate, login, logout
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_protect, ensure_csrf_cookie
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import ScopedRateThrottle
from rest_framework.views import APIView

from reticle.accounts.models import User
from reticle.accounts.preferences import (
    Hand,
    Language,
    Scheme,
    preferences_change,
    preferences_of,
)
from reticle.accounts.roles import Action
from reticle.audit.record import record
from reticle.errors import Unauthenticated


class ChordsField(serializers.ListField):
    """The keys of one action, such as `shift+mod+z`; none at all switches its keys off."""

    child = serializers.RegexField(
        r"^(shift\+)?(mod\+)?([^\sA-Z]| |[a-z][a-z0-9]{1,19})$",
        trim_whitespace=False,
        error_messages={"invalid": "This is not a key."},
    )

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=6, **options)


class KeysField(serializers.DictField):
    """Action -> its keys. The server does not know the actions: an unknown one does no harm."""

    child = ChordsField()

    def to_internal_value(self, data: Any) -> dict[str, list[str]]:
        """Return the checked table. A page has tens of actions, not thousands."""
        found: dict[str, list[str]] = super().to_internal_value(data)
        if len(found) > 200 or any(len(name) > 40 for name in found):
            raise serializers.ValidationError("Too many actions, or too long a name.")
        return found


class PreferencesOutput(serializers.Serializer[Any]):
    """Everything a person may choose, complete."""

    keys = KeysField()
    hand = serializers.ChoiceField(Hand.choices)
    scheme = serializers.ChoiceField(Scheme.choices)
    language = serializers.ChoiceField(Language.choices)
    breaks = serializers.IntegerField()
    tour_seen = serializers.BooleanField()


class PreferencesInput(serializers.Serializer[Any]):
    """What to change; what is left out stays."""

    keys = KeysField(required=False)
    hand = serializers.ChoiceField(Hand.choices, required=False)
    scheme = serializers.ChoiceField(Scheme.choices, required=False)
    language = serializers.ChoiceField(Language.choices, required=False)
    breaks = serializers.IntegerField(min_value=0, max_value=240, required=False)
    tour_seen = serializers.BooleanField(required=False)


class UserOutput(serializers.Serializer[Any]):
    """The logged-in person."""

    id = serializers.IntegerField()
    username = serializers.CharField()
    name = serializers.CharField()
    is_administrator = serializers.BooleanField(source="is_superuser")
    preferences = serializers.SerializerMethodField()

    @extend_schema_field(PreferencesOutput)
    def get_preferences(self, user: User) -> dict[str, Any]:
        """Return the person's preferences, complete."""
        return dict(PreferencesOutput(preferences_of(user)).data)


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


class PreferencesView(APIView):
    """The caller's own preferences."""

    policy: ClassVar[dict[str, Action | None]] = {"get": None, "patch": None}

    @extend_schema(responses=PreferencesOutput)
    def get(self, request: Request) -> Response:
        """Tell what the person chose, with the defaults for the rest."""
        return Response(PreferencesOutput(preferences_of(cast(User, request.user))).data)

    @extend_schema(request=PreferencesInput, responses=PreferencesOutput)
    def patch(self, request: Request) -> Response:
        """Change some; the others stay."""
        form = PreferencesInput(data=request.data)
        form.is_valid(raise_exception=True)
        row = preferences_change(user=cast(User, request.user), changes=form.validated_data)
        return Response(PreferencesOutput(preferences_of(row)).data)
