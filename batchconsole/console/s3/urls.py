"""Addresses of the S3 pages."""

from django.urls import URLPattern, path

from batchconsole.console.s3 import upload, views

urlpatterns: list[URLPattern] = [
    path("<slug:connection>/s3/", views.browse, name="s3-browse"),
    path("<slug:connection>/s3/summary/", views.folder_summary, name="s3-folder-summary"),
    path("<slug:connection>/s3/object/", views.s3_object, name="s3-object"),
    path("<slug:connection>/s3/download/", views.download, name="s3-download"),
    path("<slug:connection>/s3/upload/", views.upload, name="s3-upload"),
    path("<slug:connection>/s3/upload/start/", upload.start, name="s3-upload-start"),
    path("<slug:connection>/s3/upload/part/", upload.part, name="s3-upload-part"),
    path("<slug:connection>/s3/upload/finish/", upload.finish, name="s3-upload-finish"),
    path("<slug:connection>/s3/upload/abort/", upload.abort, name="s3-upload-abort"),
    path("<slug:connection>/s3/folder/", views.create_folder, name="s3-folder"),
]
