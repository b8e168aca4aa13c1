"""Content folders and bundles: reading, validation, import, export, and loading of starter content."""
