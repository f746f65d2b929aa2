"""Dates and times in English; the zone is the person's."""

DATE_FORMAT = "Y-m-d"
DATETIME_FORMAT = "Y-m-d, H:i:s"
