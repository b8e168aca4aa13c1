"""Storage elsewhere, several machines, abuse, logs, and the documents of whoever runs the portal."""
