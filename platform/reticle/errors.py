"""What can go wrong, as classes with a machine code and an HTTP status.

Steps raise these; `reticle.web.handler` turns them into JSON in one place. A message says what
happened, what is safe, and what to do.
"""

from collections.abc import Mapping


class ReticleError(Exception):
    """Base of all expected errors: `code` for machines, `message` for people."""

    status = 500
    default_code = "error"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        detail: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code
        self.detail = dict(detail or {})


class Unauthenticated(ReticleError):
    """Nobody is logged in, or the credentials are wrong."""

    status = 401
    default_code = "not_logged_in"


class Forbidden(ReticleError):
    """The person is known, and may not do this."""

    status = 403
    default_code = "forbidden"


class NotFound(ReticleError):
    """No such row, or a row of a campaign the person has no part in."""

    status = 404
    default_code = "not_found"


class Conflict(ReticleError):
    """The world moved on: a lost lease, a settled task, an older draft."""

    status = 409
    default_code = "conflict"


class Invalid(ReticleError):
    """The input cannot be used; `detail` names the field at fault."""

    status = 422
    default_code = "invalid"
