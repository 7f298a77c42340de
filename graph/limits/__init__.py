"""What a document may cost before it is run: one limit a file."""
