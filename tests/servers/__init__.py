"""Real servers for tests, benchmarks and `make cluster`: installed once, run as child processes on loopback."""
