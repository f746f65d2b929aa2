"""How pages wait for AWS: see ``aws/patience.py``, whose words these are."""

from batchconsole.aws.patience import all_of, at_once, both, page_calls

__all__ = ["all_of", "at_once", "both", "page_calls"]
