"""What the dialects of programs share: the gateway for clients of AWS."""
