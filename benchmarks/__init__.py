"""What the service costs beside the raw engines, and how long a user waits."""
