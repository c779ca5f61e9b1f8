"""Who may do what in which campaign. Doors call `require` before they call a step."""

from collections.abc import Mapping

from django.db.models import QuerySet

from annotations.models import Assignment, Campaign, Membership
from reticle.accounts.models import User
from reticle.accounts.roles import ALLOWED, Action, Role, allowed
from reticle.errors import Forbidden, NotFound
from reticle.images.models import Image

# Plain SQL: readers pass these doors with every case, and composing a statement in Python costs
# several times what it costs the database to answer it.
_CAMPAIGN = """
SELECT campaign.*, ARRAY(
    SELECT role FROM annotations_membership
    WHERE campaign_id = campaign.id AND user_id = %(user)s) AS roles
FROM annotations_campaign campaign
"""
_ENTER = _CAMPAIGN + "WHERE slug = %(slug)s"
_HOLDER = _CAMPAIGN + "WHERE id = %(campaign)s"
_OWN = "SELECT * FROM annotations_assignment WHERE id = %(assignment)s AND reader_id = %(user)s"


def roles_of(user: User, campaign: Campaign) -> set[Role]:
    """Return the person's roles in the campaign; an administrator holds every role."""
    if user.is_superuser:
        return set(Role)
    found = Membership.objects.filter(user=user, campaign=campaign).values_list("role", flat=True)
    return {Role(role) for role in found}


def require(user: User, campaign: Campaign, action: Action) -> set[Role]:
    """Return the person's roles when they give `action`.

    Raises NotFound for people outside the campaign (its existence is none of their business),
    and Forbidden for members whose role does not give the action.
    """
    roles = roles_of(user, campaign)
    _check(roles, action)
    return roles


def enter(user: User, slug: str, action: Action) -> tuple[Campaign, set[Role]]:
    """Return the campaign of that address and the person's roles in it.

    Raises NotFound and Forbidden as `require` does.
    """
    return _enter(user, action, _ENTER, {"user": user.pk, "slug": slug})


def own_assignment(user: User, pk: int, action: Action) -> Assignment:
    """Return the person's own assignment with its campaign.

    Raises NotFound for anybody else's, and Forbidden as `require` does.
    """
    rows = list(Assignment.objects.raw(_OWN, {"user": user.pk, "assignment": pk}))
    if not rows:
        raise NotFound("There is no such assignment.")
    row = rows[0]
    values = {"user": user.pk, "campaign": row.campaign_id}
    row.campaign, _ = _enter(user, action, _HOLDER, values)
    return row


def _enter(
    user: User, action: Action, statement: str, values: Mapping[str, object]
) -> tuple[Campaign, set[Role]]:
    found = list(Campaign.objects.raw(statement, values))
    if not found:
        raise _unknown()
    names: list[str] = found[0].roles  # type: ignore[attr-defined]  # a column of the statement
    roles = set(Role) if user.is_superuser else {Role(name) for name in names}
    _check(roles, action)
    return found[0], roles


def _unknown() -> NotFound:
    return NotFound("There is no such campaign.")


def _check(roles: set[Role], action: Action) -> None:
    if not roles:
        raise _unknown()
    if not allowed(roles, action):
        raise Forbidden(
            "Your role in this campaign does not allow this. Ask its manager for the right role.",
            detail={"action": action.value, "roles": sorted(roles)},
        )


def require_creator(user: User) -> None:
    """Raise Forbidden unless the person may create campaigns: administrators and managers."""
    if user.is_superuser:
        return
    if not Membership.objects.filter(user=user, role=Role.MANAGER.value).exists():
        raise Forbidden("Only administrators and campaign managers may create campaigns.")


def campaigns_of(user: User) -> QuerySet[Campaign]:
    """Return the campaigns a person has any part in."""
    if user.is_superuser:
        return Campaign.objects.all()
    return Campaign.objects.filter(members__user=user).distinct()


def campaigns_allowing(user: User, action: Action) -> QuerySet[Campaign]:
    """Return the campaigns in which the person's roles give `action`."""
    if user.is_superuser:
        return Campaign.objects.all()
    roles = [role.value for role in Role if action in ALLOWED[role]]
    return Campaign.objects.filter(members__user=user, members__role__in=roles).distinct()


def require_image(user: User, image: Image) -> None:
    """Raise NotFound unless the image's series has a task in a campaign of this person.

    Frames around a task are context, so the whole series of a task may be seen.
    """
    if user.is_superuser:
        return
    shared = Membership.objects.filter(
        user=user, campaign__tasks__image__series_id=image.series_id
    ).exists()
    if not shared:
        raise NotFound("There is no such image.")
