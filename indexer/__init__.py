"""How changes travel from a source to a sink, and how that is operated."""
