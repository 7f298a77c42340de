"""One contract, several search engines."""
