"""Database models. Methods here use one row and no network; ``querysets`` holds the operations on sets of rows."""

from batchconsole.aws.job_request import JobRequest
from batchconsole.jobs.errors import IllegalTransition
from batchconsole.jobs.models.access import Grant, Right, Role
from batchconsole.jobs.models.api_key import ApiKey
from batchconsole.jobs.models.budget import Budget
from batchconsole.jobs.models.bulk_action import BulkAction, BulkActionItem
from batchconsole.jobs.models.comparison import AnswerMark, ComparedJob, Comparison
from batchconsole.jobs.models.connection import Connection
from batchconsole.jobs.models.event import Actor, Event
from batchconsole.jobs.models.input_check import InputCheck
from batchconsole.jobs.models.input_split import InputSplit, SplitPart
from batchconsole.jobs.models.job import COUNTED, BatchJob
from batchconsole.jobs.models.job_note import JobNote
from batchconsole.jobs.models.job_template import JobTemplate
from batchconsole.jobs.models.limit import ModelLimit, base_model_id
from batchconsole.jobs.models.made_input import MadeInput
from batchconsole.jobs.models.notification import Delivery, Notice, NotificationChannel
from batchconsole.jobs.models.on_demand import OnDemandAnswer, OnDemandRun
from batchconsole.jobs.models.open_upload import OpenUpload
from batchconsole.jobs.models.openai_batch import OpenAIBatch, OpenAIBatchJob, OpenAIFile
from batchconsole.jobs.models.output_copy import OutputCopy
from batchconsole.jobs.models.preferences import KeptPreferences
from batchconsole.jobs.models.price import ModelPrice, utc_today
from batchconsole.jobs.models.prompt_template import PromptTemplate, PromptTemplateVersion
from batchconsole.jobs.models.record_view import RecordView
from batchconsole.jobs.models.result_file import ResultFile, ResultIndex
from batchconsole.jobs.models.schedule import Schedule, ScheduleRun, WatchedFile
from batchconsole.jobs.models.work import QUEUED, UNFINISHED
from batchconsole.jobs.states import ENDED, ENDED_ON_AWS, LIVE, OCCUPYING, STOPPABLE, WAITING, Status, Verb

__all__ = [
    "COUNTED",
    "ENDED",
    "ENDED_ON_AWS",
    "LIVE",
    "OCCUPYING",
    "QUEUED",
    "STOPPABLE",
    "UNFINISHED",
    "WAITING",
    "Actor",
    "AnswerMark",
    "ApiKey",
    "BatchJob",
    "Budget",
    "BulkAction",
    "BulkActionItem",
    "ComparedJob",
    "Comparison",
    "Connection",
    "Delivery",
    "Event",
    "Grant",
    "IllegalTransition",
    "InputCheck",
    "InputSplit",
    "JobNote",
    "JobRequest",
    "JobTemplate",
    "KeptPreferences",
    "MadeInput",
    "ModelLimit",
    "ModelPrice",
    "Notice",
    "NotificationChannel",
    "OnDemandAnswer",
    "OnDemandRun",
    "OpenAIBatch",
    "OpenAIBatchJob",
    "OpenAIFile",
    "OpenUpload",
    "OutputCopy",
    "PromptTemplate",
    "PromptTemplateVersion",
    "RecordView",
    "ResultFile",
    "ResultIndex",
    "Right",
    "Role",
    "Schedule",
    "ScheduleRun",
    "SplitPart",
    "Status",
    "Verb",
    "WatchedFile",
    "base_model_id",
    "utc_today",
]
