"""Money: prices, budgets and what they count, usage."""
