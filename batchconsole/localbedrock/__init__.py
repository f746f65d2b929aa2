"""A local Amazon Bedrock for batch inference: control-plane calls, runtime calls, and jobs that really run.

It is independent: AWS clients reach it at its endpoint URL, and it reaches S3 and STS at theirs. Nothing here may
import the console or its ``aws`` package, so that the console meets it as it would meet any other AWS endpoint.
"""
