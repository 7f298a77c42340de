"""What a client can change: one mutation a file, its input and payload beside it."""
