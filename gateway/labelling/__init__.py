"""AI-content labels in files: the seven members, where each format carries them, and what is drawn for people.

Rules: a file is never encoded again to carry a label; a label is read back before the file gets its name; a file has
one label, and that of another producer is not written over (Labelling Measures Art. 10); everything that is read is
hostile until proven otherwise, so every length is bounded before it is believed.
"""
