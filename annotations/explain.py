"""STEP explain: a reader asks for what the model would miss in the case at hand."""

from django.db.models.functions import Now

from annotations.models import Assignment, Suggestion, SuggestionMap
from reticle.errors import Conflict


def explanation_ask(*, assignment: Assignment) -> Suggestion:
    """Note the wish; a worker fulfils it. Asking again, or for what is there, changes nothing.

    Raises Conflict where the case has no suggestion: a blind case is asked nothing about.
    """
    row = explained(assignment)
    if not row.maps.filter(kind=SuggestionMap.Kind.OCCLUSION).exists():
        Suggestion.objects.filter(pk=row.pk, asked_at=None).update(asked_at=Now())
        row.refresh_from_db(fields=["asked_at"])
    return row


def explained(assignment: Assignment) -> Suggestion:
    """Return the suggestion that the assignment offers. Raises Conflict when there is none."""
    rows = Suggestion.objects.defer("packed")
    row = rows.filter(pk=assignment.suggestion_id).first() if assignment.suggestion_id else None
    if row is None:
        raise Conflict("The model shows nothing of this case.", code="no_suggestion")
    return row
