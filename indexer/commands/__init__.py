"""What an operator can say, one command a file: parse, call, show."""
