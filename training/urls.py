"""Addresses of models and runs."""

from django.urls import path

from training import api

urlpatterns = [
    path("campaigns/<slug:slug>/learning", api.LearningView.as_view(), name="learning"),
    path("campaigns/<slug:slug>/unreadable", api.UnreadableView.as_view(), name="unreadable"),
    path("campaigns/<slug:slug>/models", api.ModelsView.as_view(), name="models"),
    path("campaigns/<slug:slug>/runs", api.RunsView.as_view(), name="runs"),
    path("campaigns/<slug:slug>/recipe", api.RecipeView.as_view(), name="recipe"),
    path("campaigns/<slug:slug>/donors", api.DonorsView.as_view(), name="donors"),
    path("campaigns/<slug:slug>/rollback", api.RollbackView.as_view(), name="rollback"),
    path("campaigns/<slug:slug>/shadow", api.ShadowView.as_view(), name="shadow"),
    path("runs/<int:pk>/cancel", api.RunCancelView.as_view(), name="run-cancel"),
    path("runs/<int:pk>/recipe", api.RunRecipeView.as_view(), name="run-recipe"),
    path("runs/<int:pk>", api.RunView.as_view(), name="run"),
    path("models/<int:pk>", api.ModelView.as_view(), name="model"),
    path("models/<int:pk>/card", api.CardView.as_view(), name="model-card"),
    path("models/<int:pk>/bundle", api.BundleView.as_view(), name="model-bundle"),
    path("models/<int:pk>/onnx", api.OnnxView.as_view(), name="model-onnx"),
    path("models/<int:pk>/onnx/file", api.OnnxFileView.as_view(), name="model-onnx-file"),
    path("models/<int:pk>/robustness", api.RobustnessView.as_view(), name="model-robustness"),
    path("models/<int:pk>/compare", api.CompareView.as_view(), name="model-compare"),
    path("models/<int:pk>/drawing", api.DrawingView.as_view(), name="model-drawing"),
    path("models/<int:pk>/label", api.LabelView.as_view(), name="model-label"),
    path("assignments/<int:pk>/neighbours", api.NeighboursView.as_view(), name="neighbours"),
    path(
        "assignments/<int:pk>/neighbours/<int:image>",
        api.NeighbourView.as_view(),
        name="neighbour",
    ),
    path("models/<int:pk>/promote", api.PromoteView.as_view(), name="model-promote"),
    path("models/<int:pk>/end-shadow", api.EndShadowView.as_view(), name="model-end-shadow"),
]
