"""OpenAI's batch API as the runtime endpoint of Bedrock has it, over the same jobs, runner and S3 as AWS's own.

https://docs.aws.amazon.com/bedrock/latest/userguide/inference-openai-batch.html
"""
