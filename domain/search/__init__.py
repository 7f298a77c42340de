"""Search for users: what a text means, and the engines that find it."""
