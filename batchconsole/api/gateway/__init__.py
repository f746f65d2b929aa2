"""Amazon Bedrock's own API, for AWS clients, on one connection: ``/aws/<connection>/``."""
