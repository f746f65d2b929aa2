"""What people keep in S3: the objects of an input, where things may lie, uploads, folders and deletions."""
