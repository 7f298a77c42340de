"""Instances by DNS: SRV records (RFC 2782) and the addresses of their targets, asked as a pod asks."""
