"""Give the simulated readers of a benchmark a password its load generator knows."""

import sys

import django

django.setup()

from reticle.accounts.models import User  # noqa: E402

for number in range(int(sys.argv[1])):
    person = User.objects.get(username=f"sim-reader-{number + 1}")
    person.set_password("benchmark-only")
    person.save()
