"""Readability scores, measurements of whole pages, and suggestions.

Keep this module empty: ``rendering.renderer`` imports ``readability.scores``, so an import here would be circular.
"""
