"""Whether the index holds what the store holds, and exactly that: compared completely, told by kinds, repaired."""
