"""All addresses: the API under /api/v1, the administration, and the front end for the rest."""

from django.contrib import admin
from django.urls import include, path, re_path
from drf_spectacular.views import SpectacularAPIView

from reticle.web import views

urlpatterns = [
    path("api/v1/", include("reticle.accounts.urls")),
    path("api/v1/", include("annotations.urls")),
    path("api/v1/", include("training.urls")),
    path("api/v1/health", views.HealthView.as_view(), name="health"),
    path("api/v1/schema", SpectacularAPIView.as_view(), name="schema"),
    re_path(r"^api/.*$", views.NoSuchAddressView.as_view(), name="no-such-address"),
    path("admin/", admin.site.urls),
    re_path(r"^(?!assets/|static/).*$", views.front_end, name="front-end"),
]
