"""Reads that are gathered into one, for the length of one request."""
