"""Calls of a peer over HTTP: an instance is picked and asked in time, then another one if it failed."""
