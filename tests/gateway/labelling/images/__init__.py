"""Labels in pictures."""
