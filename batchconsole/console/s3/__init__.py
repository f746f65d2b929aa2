"""The S3 pages of buckets, folders and objects, and the chooser that other pages show."""
