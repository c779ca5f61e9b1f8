"""The one place where errors become JSON: {code, message, detail}."""

import logging

from django.core.exceptions import RequestDataTooBig
from django.core.exceptions import ValidationError as ModelValidationError
from django.http import Http404
from rest_framework import exceptions, status
from rest_framework.response import Response

from reticle.errors import ReticleError

logger = logging.getLogger(__name__)

# DRF's own errors, by the code and the words that clients of ours see.
_CODES = {
    status.HTTP_400_BAD_REQUEST: "bad_request",
    status.HTTP_401_UNAUTHORIZED: "not_logged_in",
    status.HTTP_403_FORBIDDEN: "forbidden",
    status.HTTP_404_NOT_FOUND: "not_found",
    status.HTTP_405_METHOD_NOT_ALLOWED: "method_not_allowed",
    status.HTTP_415_UNSUPPORTED_MEDIA_TYPE: "unsupported_media_type",
}


def _answer(status_code: int, code: str, message: str, detail: object = None) -> Response:
    return Response({"code": code, "message": message, "detail": detail or {}}, status=status_code)


def handle(error: Exception, context: dict[str, object]) -> Response | None:
    """Turn an expected error into an answer; None leaves a bug to Django (500, logged)."""
    if isinstance(error, ReticleError):
        return _answer(error.status, error.code, error.message, error.detail)
    if isinstance(error, exceptions.ValidationError):
        return _answer(422, "invalid", "Some fields cannot be used as they are.", error.detail)
    if isinstance(error, ModelValidationError):
        detail = error.message_dict if hasattr(error, "error_dict") else {"all": error.messages}
        return _answer(422, "invalid", "Some fields cannot be used as they are.", detail)
    if isinstance(error, RequestDataTooBig):
        return _answer(413, "too_large", "This is more than the server takes in one request.")
    if isinstance(error, Http404):
        return _answer(404, "not_found", "There is nothing at this address.")
    if isinstance(error, exceptions.Throttled):
        answer = _answer(429, "too_many_requests", str(error.detail))
        answer["Retry-After"] = str(int(getattr(error, "wait", None) or 60) + 1)
        return answer
    if isinstance(error, exceptions.APIException):
        code = _CODES.get(error.status_code, "error")
        return _answer(error.status_code, code, str(error.detail))
    return None
