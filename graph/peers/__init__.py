"""Fields that other services give to a user."""
