"""OpenAI's batch API as Bedrock's runtime endpoint offers it, on the same jobs, runner and S3 as AWS's own API.

https://docs.aws.amazon.com/bedrock/latest/userguide/inference-openai-batch.html
"""
