"""What a client can say by GraphQL, and nothing else."""
