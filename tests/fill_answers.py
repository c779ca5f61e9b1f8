"""Give a running installation a campaign of questions, answers, and a training to be done on them.

Nothing is trained here: the installation's own worker does it.
"""

import sys

import django

django.setup()

import learning  # noqa: E402
from reticle.accounts.models import User  # noqa: E402
from training import trigger  # noqa: E402

ANSWERED = 20
QUESTIONS: list[dict[str, object]] = [
    {"text": "Disc", "kind": "single", "options": ["seen", "none"]},
    {"text": "Grade", "kind": "scale", "low": 0, "high": 2, "required": False},
]


def main(slug: str) -> None:
    manager, reader = (User.objects.get(username=name) for name in ("manager", "reader"))
    # Switched off: what is answered in the browser afterwards begins no second training.
    training = {**learning.ANSWERS, "enabled": 0}
    made = learning.asking(manager, reader, slug, questions=QUESTIONS, training=training)
    for _ in range(ANSWERED):
        learning.hand_in(made, reader)
    trigger.run_request(campaign=made, actor=manager)


main(sys.argv[1])
