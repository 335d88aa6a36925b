"""Client libraries that nobody here wrote, at work with a gateway in front of the stand-in model."""
