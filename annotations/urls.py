"""Addresses of campaigns, reading, images, review, import and export."""

from django.urls import path

from annotations.api import campaigns, images, reading, reviews, transfer

urlpatterns = [
    path("campaigns", campaigns.CampaignsView.as_view(), name="campaigns"),
    path("campaigns/<slug:slug>", campaigns.CampaignDetailView.as_view(), name="campaign"),
    path("campaigns/<slug:slug>/open", campaigns.OpenView.as_view(), name="campaign-open"),
    path("campaigns/<slug:slug>/close", campaigns.CloseView.as_view(), name="campaign-close"),
    path("campaigns/<slug:slug>/classes", campaigns.ClassesView.as_view(), name="classes"),
    path("campaigns/<slug:slug>/members", campaigns.MembersView.as_view(), name="members"),
    path("campaigns/<slug:slug>/progress", campaigns.ProgressView.as_view(), name="progress"),
    path("campaigns/<slug:slug>/tasks", campaigns.TasksView.as_view(), name="tasks"),
    path("campaigns/<slug:slug>/audit", campaigns.AuditView.as_view(), name="audit"),
    path("campaigns/<slug:slug>/lease", reading.LeaseView.as_view(), name="lease"),
    path("campaigns/<slug:slug>/recent", reading.RecentView.as_view(), name="recent"),
    path("campaigns/<slug:slug>/reviews", reviews.ReviewsView.as_view(), name="reviews"),
    path("campaigns/<slug:slug>/imports", transfer.ImportsView.as_view(), name="imports"),
    path("campaigns/<slug:slug>/exports", transfer.ExportsView.as_view(), name="exports"),
    path("tasks/<int:pk>", campaigns.TaskView.as_view(), name="task"),
    path("assignments/<int:pk>", reading.AssignmentView.as_view(), name="assignment"),
    path("assignments/<int:pk>/renew", reading.RenewView.as_view(), name="renew"),
    path("assignments/<int:pk>/release", reading.ReleaseView.as_view(), name="release"),
    path("assignments/<int:pk>/draft", reading.DraftView.as_view(), name="draft"),
    path("assignments/<int:pk>/submit", reading.SubmitView.as_view(), name="submit"),
    path("images/<int:pk>", images.ImageView.as_view(), name="image"),
    path("images/<int:pk>/pixels", images.PixelsView.as_view(), name="pixels"),
    path("images/<int:pk>/thumbnail", images.ThumbnailView.as_view(), name="thumbnail"),
    path("series/<int:pk>", images.SeriesView.as_view(), name="series"),
    path("suggestions/<int:pk>/mask", images.SuggestionMaskView.as_view(), name="suggestion-mask"),
    path("annotations/<int:pk>/mask", images.AnnotationMaskView.as_view(), name="annotation-mask"),
    path("annotations/<int:pk>/amend", reading.AmendView.as_view(), name="amend"),
    path("annotations/<int:pk>/review", reviews.ReviewView.as_view(), name="review"),
    path("imports/<int:pk>", transfer.ImportView.as_view(), name="import"),
    path("exports/<int:pk>", transfer.ExportView.as_view(), name="export"),
    path("exports/<int:pk>/file", transfer.ExportFileView.as_view(), name="export-file"),
]
