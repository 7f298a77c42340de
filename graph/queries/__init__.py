"""What a client can ask: one noun a file."""
