"""What all campaign doors share: finding the campaign, and asking whether this person may.

Every door names its policy: the action each method needs. A door without one fails the suite.
"""

import base64
import binascii
from typing import ClassVar, cast

from django.http import HttpResponse
from django.utils.http import parse_etags
from rest_framework.request import Request
from rest_framework.views import APIView

from annotations import access
from annotations.models import Campaign
from reticle.accounts.models import User
from reticle.accounts.roles import Action, Role
from reticle.errors import Invalid


def person(request: Request) -> User:
    """Return the logged-in person (the permission class has made sure there is one)."""
    return cast(User, request.user)


class PolicyView(APIView):
    """A door with a policy: the action that each of its methods needs."""

    policy: ClassVar[dict[str, Action | None]] = {}

    def needed(self) -> Action:
        """Return the action that this request's method needs."""
        action = self.policy[(self.request.method or "GET").lower().replace("head", "get")]
        if action is None:
            raise Invalid("This address belongs to no campaign.", code="bad_query")
        return action

    def permit(self, campaign: Campaign) -> set[Role]:
        """Return the person's roles. Raises NotFound or Forbidden."""
        return access.require(person(self.request), campaign, self.needed())


class CampaignView(PolicyView):
    """A door under /campaigns/{slug}: `self.campaign` and `self.roles` are ready in handlers."""

    campaign: Campaign
    roles: set[Role]

    def initial(self, request: Request, *args: object, **kwargs: object) -> None:
        """Find the campaign and check the policy before any handler runs."""
        super().initial(request, *args, **kwargs)
        self.campaign, self.roles = access.enter(
            person(request), str(kwargs["slug"]), self.needed()
        )


def packed_mask(text: str) -> bytes:
    """Decode a mask from its JSON form. Raises Invalid."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Invalid(
            "The mask must be base64 of gzip.", code="bad_mask", detail={"mask": "base64"}
        ) from None


def immutable_bytes(
    request: Request, body: bytes, sha256: str, content_type: str, *, gzipped: bool = True
) -> HttpResponse:
    """Answer content that never changes, named by its hash; 304 when the client has it."""
    tag = f'"{sha256}"'
    if tag in parse_etags(request.headers.get("If-None-Match", "")):
        answer = HttpResponse(status=304)
    else:
        answer = HttpResponse(body, content_type=content_type)
        if gzipped:
            answer["Content-Encoding"] = "gzip"
    answer["ETag"] = tag
    # Private: a shared cache must not keep medical images; a browser may.
    answer["Cache-Control"] = "private, max-age=31536000, immutable"
    return answer
