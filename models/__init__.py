"""The embedded classifier: what it is trained with, and how."""
