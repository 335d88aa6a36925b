"""Tests of training, as far as they need no training packages, and of the model that is shipped."""
