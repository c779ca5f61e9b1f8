"""The WSGI entry point: `gunicorn reticle.config.wsgi`."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "reticle.config.settings")
application = get_wsgi_application()
