"""URLs of the S3 pages."""

from django.urls import URLPattern

from batchconsole.console.s3 import changes, downloads, upload, views
from batchconsole.jobs.models import Right
from batchconsole.url_rights import page

urlpatterns: list[URLPattern] = [
    page("<slug:connection>/s3/", views.browse, name="s3-browse", right=Right.READ),
    page("<slug:connection>/s3/summary/", views.folder_summary, name="s3-folder-summary", right=Right.READ),
    page("<slug:connection>/s3/object/", views.s3_object, name="s3-object", right=Right.READ),
    page("<slug:connection>/s3/download/", downloads.download, name="s3-download", right=Right.READ),
    page("<slug:connection>/s3/object/delete/", changes.delete, name="s3-object-delete", right=Right.SUBMIT),
    page("<slug:connection>/s3/object/rename/", changes.rename, name="s3-object-rename", right=Right.SUBMIT),
    page("<slug:connection>/s3/object/restore/", changes.restore, name="s3-object-restore", right=Right.SUBMIT),
    page("<slug:connection>/s3/bucket/", changes.create_bucket, name="s3-bucket", right=Right.ADMINISTER),
    page("<slug:connection>/s3/upload/", views.upload, name="s3-upload", right=Right.SUBMIT),
    page("<slug:connection>/s3/upload/start/", upload.start_upload, name="s3-upload-start", right=Right.SUBMIT),
    page("<slug:connection>/s3/upload/part/", upload.part, name="s3-upload-part", right=Right.SUBMIT),
    page("<slug:connection>/s3/upload/finish/", upload.finish, name="s3-upload-finish", right=Right.SUBMIT),
    page("<slug:connection>/s3/upload/report/", upload.report, name="s3-upload-report", right=Right.SUBMIT),
    page("<slug:connection>/s3/upload/abort/", upload.abort, name="s3-upload-abort", right=Right.SUBMIT),
    page("<slug:connection>/s3/folder/", views.create_folder, name="s3-folder", right=Right.SUBMIT),
]
