"""The one table of roles and actions. `annotations.access` asks it per campaign."""

from enum import StrEnum


class Role(StrEnum):
    """What a person is within one campaign. An administrator holds all of them everywhere."""

    READER = "reader"
    REVIEWER = "reviewer"
    MANAGER = "manager"


class Action(StrEnum):
    """What a door asks for before it calls a step."""

    VIEW = "view"  # the campaign's name, settings, classes, own counts
    READ = "read"  # lease, draft, submit
    REVIEW = "review"  # other people's annotations
    TRACK = "track"  # progress, tasks, models, runs
    MANAGE = "manage"  # settings, members, imports, exports, training
    AUDIT = "audit"


ALLOWED: dict[Role, frozenset[Action]] = {
    Role.READER: frozenset({Action.VIEW, Action.READ}),
    Role.REVIEWER: frozenset({Action.VIEW, Action.REVIEW, Action.TRACK}),
    Role.MANAGER: frozenset(
        {Action.VIEW, Action.REVIEW, Action.TRACK, Action.MANAGE, Action.AUDIT}
    ),
}


def allowed(roles: set[Role], action: Action) -> bool:
    """Tell whether any of the roles gives the action."""
    return any(action in ALLOWED[role] for role in roles)
