"""A small peer: the posts that users have written, as a subgraph of their own."""
