"""What a client sees: one noun a file."""
