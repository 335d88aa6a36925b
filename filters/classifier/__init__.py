"""The embedded classifier: what it reads of a text, and the model that scores it."""
