"""Mirrors indexer/rebuild."""
