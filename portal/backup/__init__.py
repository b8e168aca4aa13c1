"""Backup and restore of an installation (database, media files and secret key) as one file."""
