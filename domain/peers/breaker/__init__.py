"""A circuit breaker on purgatory: what a dependency that fails or crawls is spared, and its callers' time with it."""
