"""Drafts, revisions, and their history, comparison, and merging."""
