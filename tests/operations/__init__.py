"""S3 storage, several machines, abuse, logs, and the documents for operators."""
