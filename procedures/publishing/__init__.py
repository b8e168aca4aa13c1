"""From a draft to the public and back. Each transition has exactly one writer, and it stands here."""
