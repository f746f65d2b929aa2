"""What must exist before anything runs: `.venv`, the model's weights, a Chromium for the tests.

Standard library only, because it runs on a machine that has nothing but Python.
"""
