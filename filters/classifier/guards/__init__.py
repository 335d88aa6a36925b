"""What is asked of guard models, and how their answers are read: one small file for each."""
