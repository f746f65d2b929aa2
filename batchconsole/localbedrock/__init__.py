"""A local Amazon Bedrock for batch inference: the control-plane calls, the two runtime calls, and jobs that really run.

It stands alone: AWS clients reach it by its endpoint URL, and it reaches S3 and STS by theirs. Nothing here may import
the console or its ``aws`` part, so that it behaves as a stranger would.
"""
