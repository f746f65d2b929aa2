"""Batches of programs that speak OpenAI's API: their files, and the jobs that they become.

A file of requests becomes an input for each model in it, and each input a job, created by the same verb as the form's.
"""
