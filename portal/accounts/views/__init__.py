"""Views for signing in and for managing one's own account."""
