"""Amazon Bedrock's API as its own clients speak it, for one connection: ``/aws/<connection>/``."""
