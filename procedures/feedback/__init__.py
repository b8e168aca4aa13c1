"""Anonymous answers of readers to “Was this clear?” at the end of a page."""
