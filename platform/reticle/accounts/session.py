"""Session authentication that answers 401 (not 403) when nobody is logged in."""

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework import authentication
from rest_framework.request import Request


class SessionAuthentication(authentication.SessionAuthentication):
    """Django's session and CSRF check; the header makes DRF answer 401."""

    def authenticate_header(self, request: Request) -> str:
        """Name the scheme, so that an expired session is told apart from a missing right."""
        return "Session"


class SessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """Describe the session cookie in the OpenAPI schema."""

    target_class = "reticle.accounts.session.SessionAuthentication"
    name = "session"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        """Return the cookie's definition."""
        return {"type": "apiKey", "in": "cookie", "name": "sessionid"}
