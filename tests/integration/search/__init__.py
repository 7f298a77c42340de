"""Search engines beyond their contract."""
