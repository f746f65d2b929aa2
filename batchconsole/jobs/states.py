"""The state machine of a job: the console's own states, then AWS's states verbatim. Data only."""

from django.db.models import TextChoices


class Status(TextChoices):
    """The state of a job. From ``Submitted`` on, ``str(status)`` is AWS's own name."""

    CHECKING = "Checking", "Checking"
    REJECTED = "Rejected", "Rejected"
    QUEUED = "Queued", "Queued"
    CANCELLED = "Cancelled", "Cancelled"
    SUBMITTING = "Submitting", "Submitting"
    SUBMIT_FAILED = "SubmitFailed", "Submit failed"
    SUBMITTED = "Submitted", "Submitted"
    VALIDATING = "Validating", "Validating"
    SCHEDULED = "Scheduled", "Scheduled"
    IN_PROGRESS = "InProgress", "In progress"
    COMPLETED = "Completed", "Completed"
    PARTIALLY_COMPLETED = "PartiallyCompleted", "Partially completed"
    FAILED = "Failed", "Failed"
    STOPPING = "Stopping", "Stopping"
    STOPPED = "Stopped", "Stopped"
    EXPIRED = "Expired", "Expired"


IN_QUEUE = frozenset({Status.CHECKING, Status.QUEUED})  # not sent yet, so its place in the queue can change
WAITING = IN_QUEUE | {Status.SUBMITTING}
LIVE = frozenset({Status.SUBMITTED, Status.VALIDATING, Status.SCHEDULED, Status.IN_PROGRESS, Status.STOPPING})
# Jobs that a person may stop. For a job that is being submitted, where to stop it is known a moment later.
STOPPABLE = (WAITING | LIVE) - {Status.STOPPING}
# Jobs that count toward the model's quota; a job that is being submitted may already be on AWS.
OCCUPYING = LIVE | {Status.SUBMITTING}
ENDED_ON_AWS = frozenset({Status.COMPLETED, Status.PARTIALLY_COMPLETED, Status.FAILED, Status.STOPPED, Status.EXPIRED})
ON_AWS = LIVE | ENDED_ON_AWS
# Jobs in these states never reached AWS, so their names are free.
NEVER_SENT = frozenset({Status.REJECTED, Status.CANCELLED, Status.SUBMIT_FAILED})
ENDED = ENDED_ON_AWS | NEVER_SENT

# Sync may see several steps at once, so each live state leads to every later one. Sync can find any job that was ever
# sent by its token, whatever its state here: a lost answer does not mean that nothing happened.
NEXT: dict[str, frozenset[str]] = {
    Status.CHECKING: frozenset({Status.REJECTED, Status.QUEUED, Status.CANCELLED}),
    Status.REJECTED: frozenset({Status.QUEUED, Status.CHECKING}),
    Status.QUEUED: frozenset({Status.SUBMITTING, Status.CANCELLED}) | ON_AWS,
    Status.CANCELLED: ON_AWS,
    Status.SUBMITTING: frozenset({Status.QUEUED, Status.SUBMIT_FAILED}) | ON_AWS,
    Status.SUBMIT_FAILED: ON_AWS,
    Status.SUBMITTED: ON_AWS - {Status.SUBMITTED},
    Status.VALIDATING: ON_AWS - {Status.SUBMITTED, Status.VALIDATING},
    Status.SCHEDULED: ON_AWS - {Status.SUBMITTED, Status.VALIDATING, Status.SCHEDULED},
    Status.IN_PROGRESS: ENDED_ON_AWS | {Status.STOPPING},
    Status.STOPPING: ENDED_ON_AWS,
    Status.COMPLETED: frozenset(),
    Status.PARTIALLY_COMPLETED: frozenset(),
    Status.FAILED: frozenset(),
    Status.STOPPED: frozenset(),
    Status.EXPIRED: frozenset(),
}


class Verb(TextChoices):
    """The action that an event records."""

    CREATED = "created", "Created"
    IMPORTED = "imported", "Imported from AWS"
    CHECKED = "checked", "Input checked"
    REJECTED = "rejected", "Input rejected"
    CHECK_REQUESTED = "check_requested", "Input check requested"
    SYNC_REQUESTED = "sync_requested", "Sync requested"
    RELEASED = "released", "Queued despite the input check"
    HELD = "held", "Held in the queue"
    UNHELD = "unheld", "Released from hold"
    APPROVAL_ASKED = "approval_asked", "Held for approval"
    APPROVED = "approved", "Approved"
    PRIORITY_CHANGED = "priority_changed", "Priority changed"
    ARCHIVED = "archived", "Archived"
    UNARCHIVED = "unarchived", "Brought back from the archive"
    CLAIMED = "claimed", "Submitting"
    SUBMITTED = "submitted", "Submitted to AWS"
    ON_DEMAND_BEGUN = "on_demand_begun", "Sending of records one by one begun"
    ON_DEMAND_ENDED = "on_demand_ended", "Sending of records one by one ended"
    ON_DEMAND_REQUESTED = "on_demand_requested", "Rest of the records requested on demand"
    DEADLINE_PASSED = "deadline_passed", "Rest of the records requested on demand after the deadline"
    DEADLINE_REFUSED = "deadline_refused", "Rest of the records not sent on demand after the deadline"
    REQUEUED = "requeued", "Requeued"
    SUBMIT_FAILED = "submit_failed", "Rejected by AWS"
    ADOPTED = "adopted", "Submission confirmed (matched by request token)"
    REPORTED = "reported", "Status reported by AWS"
    MISSING = "missing", "Not found on AWS"
    CANCELLED = "cancelled", "Cancelled before submission"
    STOP_REQUESTED = "stop_requested", "Stop requested"
    BULK_STOP_REQUESTED = "bulk_stop_requested", "Bulk stop requested"
    BULK_HOLD_REQUESTED = "bulk_hold_requested", "Bulk hold requested"
    BULK_RELEASE_REQUESTED = "bulk_release_requested", "Bulk release requested"
    BULK_ARCHIVE_REQUESTED = "bulk_archive_requested", "Bulk archive requested"
    BULK_UNARCHIVE_REQUESTED = "bulk_unarchive_requested", "Bulk return from the archive requested"
    BULK_TAG_REQUESTED = "bulk_tag_requested", "Bulk change of tags requested"
    BULK_CLONE_REQUESTED = "bulk_clone_requested", "Bulk clone requested"
    BULK_STOP_CUT_SHORT = "bulk_stop_cut_short", "Bulk action cancelled for remaining jobs"
    BULK_STOP_FINISHED = "bulk_stop_finished", "Bulk action finished"
    TAGS_CHANGED = "tags_changed", "Tags changed"
    NOTE_ADDED = "note_added", "Note added"
    NOTE_REMOVED = "note_removed", "Note removed"
    CLONED = "cloned", "Cloned"
    TEMPLATE_SAVED = "template_saved", "Job template saved"
    TEMPLATE_CHANGED = "template_changed", "Job template changed"
    TEMPLATE_DELETED = "template_deleted", "Job template deleted"
    ROLE_CREATED = "role_created", "Service role created"
    RESULTS_REQUESTED = "results_requested", "Results requested"
    RESULTS_READ = "results_read", "Results read"
    RESULTS_EXPIRED = "results_expired", "Read results deleted after the time they are kept"
    RESULTS_FAILED = "results_failed", "Reading results failed"
    OBJECT_UPLOADED = "object_uploaded", "Object uploaded"
    OBJECT_OVERWRITTEN = "object_overwritten", "Object overwritten"
    OBJECT_DELETION_REQUESTED = "object_deletion_requested", "Object deletion requested"
    OBJECT_DELETED = "object_deleted", "Object deleted"
    OBJECT_RENAMING_REQUESTED = "object_renaming_requested", "Object renaming requested"
    OBJECT_RENAMED = "object_renamed", "Object renamed"
    OBJECT_RESTORED = "object_restored", "Object version restored"
    BUCKET_CREATED = "bucket_created", "Bucket created"
    FOLDER_CREATED = "folder_created", "Folder created"
    INPUT_MADE = "input_made", "Input created"
    PROMPT_SAVED = "prompt_saved", "Prompt template saved"
    PROMPT_ARCHIVED = "prompt_archived", "Prompt template archived"
    PROMPT_RESTORED = "prompt_restored", "Prompt template restored"
    PROMPT_DELETED = "prompt_deleted", "Prompt template deleted"
    INPUT_CHECK_CANCELLED = "input_check_cancelled", "Input check cancelled"
    INPUT_MAKING_RETRIED = "input_making_retried", "Input creation retried"
    INPUT_MAKING_CANCELLED = "input_making_cancelled", "Input creation cancelled"
    BATCH_CREATED = "batch_created", "Batch of a program created"
    BATCH_CANCELLED = "batch_cancelled", "Batch of a program cancelled"
    BATCH_DELETED = "batch_deleted", "Batch of a program deleted"
    FILE_DELETED = "file_deleted", "File of a program deleted"
    INPUT_SPLIT_REQUESTED = "input_split_requested", "Input split requested"
    INPUT_SPLIT = "input_split", "Input split into jobs"
    INPUT_SPLIT_RETRIED = "input_split_retried", "Input split retried"
    INPUT_SPLIT_CANCELLED = "input_split_cancelled", "Input split cancelled"
    COMPARISON_CREATED = "comparison_created", "Comparison created"
    COMPARISON_REQUESTED = "comparison_requested", "Comparison of answers requested again"
    COMPARISON_DELETED = "comparison_deleted", "Comparison deleted"
    ANSWER_MARKED = "answer_marked", "Better answer marked"
    MEDIA_COPIED = "media_copied", "Media copied beside their records"
    OUTPUT_COPIED = "output_copied", "Output copied to where the program looks for it"
    OUTPUT_NOT_COPIED = "output_not_copied", "Output could not be copied"
    PASSED_ON = "passed_on", "Call passed on to AWS"
    PASSED_ON_FAILED = "passed_on_failed", "Call refused by AWS"
    API_KEY_CREATED = "api_key_created", "API key created"
    API_KEY_REVOKED = "api_key_revoked", "API key revoked"
    CHANNEL_ADDED = "channel_added", "Notification channel added"
    CHANNEL_CHANGED = "channel_changed", "Notification channel changed"
    CHANNEL_REMOVED = "channel_removed", "Notification channel removed"
    CHANNEL_TESTED = "channel_tested", "Notification channel tested"
    CHANNEL_PAUSED = "channel_paused", "Notification channel paused"
    CHANNEL_RESUMED = "channel_resumed", "Notification channel resumed"
    CHANNEL_SECRET_ROTATED = "channel_secret_rotated", "Webhook secret rotated"
    NOTIFICATION_REPEATED = "notification_repeated", "Notification sent again"
    SCHEDULED = "scheduled", "Created by a schedule"
    SCHEDULE_CREATED = "schedule_created", "Schedule created"
    SCHEDULE_CHANGED = "schedule_changed", "Schedule changed"
    SCHEDULE_PAUSED = "schedule_paused", "Schedule paused"
    SCHEDULE_RESUMED = "schedule_resumed", "Schedule resumed"
    SCHEDULE_RUN_REQUESTED = "schedule_run_requested", "Run of a schedule requested"
    SCHEDULE_STOPPED = "schedule_stopped", "Schedule stopped"
    SCHEDULE_DELETED = "schedule_deleted", "Schedule deleted"
    SIGNED_IN = "signed_in", "Signed in"
    SIGN_IN_FAILED = "sign_in_failed", "Sign-in failed"
    SIGNED_OUT = "signed_out", "Signed out"
    SESSIONS_ENDED = "sessions_ended", "Signed out elsewhere"
    INVITED = "invited", "Invite link made"
    PASSWORD_CHANGED = "password_changed", "Password changed"
    FACTOR_ADDED = "factor_added", "Second factor added"
    FACTOR_REMOVED = "factor_removed", "Second factor removed"
    CONNECTION_TESTED = "connection_tested", "Connection tested"
    ROW_ADDED = "row_added", "Added"
    ROW_CHANGED = "row_changed", "Changed"
    ROW_DELETED = "row_deleted", "Deleted"
    DOWNLOADED = "downloaded", "Downloaded"
    RECORDS_VIEWED = "records_viewed", "Records viewed"
    REQUESTED = "requested", "Other change"
    EVENTS_EXPIRED = "events_expired", "Old activity deleted"
