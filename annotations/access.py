"""Who may do what in which campaign. Doors call `require` before they call a step."""

from django.db.models import QuerySet

from annotations.models import Campaign, Membership
from reticle.accounts.models import User
from reticle.accounts.roles import Action, Role, allowed
from reticle.errors import Forbidden, NotFound
from reticle.images.models import Image


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
    """Return the campaign of that address and the person's roles in it: one query for members.

    Raises NotFound and Forbidden as `require` does.
    """
    if user.is_superuser:
        found = Campaign.objects.filter(slug=slug).first()
        roles = set(Role) if found else set()
    else:
        rows = list(
            Membership.objects.filter(user=user, campaign__slug=slug).select_related("campaign")
        )
        found = rows[0].campaign if rows else None
        roles = {Role(row.role) for row in rows}
    _check(roles, action)
    assert found is not None  # whoever has a role has a campaign
    return found, roles


def _check(roles: set[Role], action: Action) -> None:
    if not roles:
        raise NotFound("There is no such campaign.")
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
