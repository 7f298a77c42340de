"""The users: what one is, what may be done to it, where it is kept and how its changes are told."""
