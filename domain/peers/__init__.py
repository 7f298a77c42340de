"""Other services: found, balanced, guarded, and asked for their part of a user."""
