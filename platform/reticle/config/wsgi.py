"""The WSGI entry point: `gunicorn reticle.config.wsgi`."""

import gc
import os

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "reticle.config.settings")
application = get_wsgi_application()
# Everything is imported before the first request, and left out of every later garbage collection:
# walking all modules in the midst of a request is what a reader would feel.
_ = get_resolver().url_patterns
gc.collect()
gc.freeze()
