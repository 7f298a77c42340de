"""The GraphiQL page, built from npm and served by the service itself."""
