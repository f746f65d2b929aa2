"""Helpers for pages that wait for AWS, re-exported from ``aws/patience.py``."""

from batchconsole.aws.patience import all_of, at_once, both, page_calls

__all__ = ["all_of", "at_once", "both", "page_calls"]
