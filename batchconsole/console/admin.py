"""The administration: what is registered with it, a module for each noun."""

from batchconsole.console.price_admin import ModelPriceAdmin

__all__ = ["ModelPriceAdmin"]
