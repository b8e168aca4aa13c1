"""Full-text search over the public pages."""
