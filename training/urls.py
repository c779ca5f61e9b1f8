"""Addresses of models and runs."""

from django.urls import path

from training import api

urlpatterns = [
    path("campaigns/<slug:slug>/learning", api.LearningView.as_view(), name="learning"),
    path("campaigns/<slug:slug>/models", api.ModelsView.as_view(), name="models"),
    path("campaigns/<slug:slug>/runs", api.RunsView.as_view(), name="runs"),
    path("campaigns/<slug:slug>/rollback", api.RollbackView.as_view(), name="rollback"),
    path("runs/<int:pk>/cancel", api.RunCancelView.as_view(), name="run-cancel"),
    path("models/<int:pk>/promote", api.PromoteView.as_view(), name="model-promote"),
]
