"""Set-up of what has to exist first: `.venv`, the model's weights, a Chromium for the tests.

Standard library only, because it runs on machines that have nothing but Python.
"""
