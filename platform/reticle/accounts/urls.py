"""Addresses of the session and the preferences."""

from django.urls import path

from reticle.accounts.api import PreferencesView, SessionView

urlpatterns = [
    path("session", SessionView.as_view(), name="session"),
    path("preferences", PreferencesView.as_view(), name="preferences"),
]
