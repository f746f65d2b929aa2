"""The tags that jobs have."""

from collections import Counter

from batchconsole.jobs.models import BatchJob, Connection

SUGGESTED_FROM = 200  # jobs


def tags_in_use(connection: Connection) -> dict[str, list[str]]:
    """Keys and values of the newest jobs' tags, the frequent ones first, to be suggested."""
    newest = BatchJob.objects.filter(connection=connection).values_list("tags", flat=True)[:SUGGESTED_FROM]
    counts = {part: Counter(tag.get(part, "") for tags in newest for tag in tags or []) for part in ("key", "value")}
    return {part: [value for value, _ in count.most_common(50) if value] for part, count in counts.items()}
