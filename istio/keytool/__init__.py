"""Keys, tokens and manifests: what the scripts beside this package share."""
