"""English date and time formats; times are in the user's time zone."""

DATE_FORMAT = "Y-m-d"
DATETIME_FORMAT = "Y-m-d, H:i:s"
