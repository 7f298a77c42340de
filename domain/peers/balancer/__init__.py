"""Which instance of a peer is asked next: the quicker of two, among those that are in health."""
