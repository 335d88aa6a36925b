"""Strikes: repeated unlawful prompts of one person are counted, and the person is warned and suspended."""
