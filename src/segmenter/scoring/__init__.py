"""A corpus of any size to a scored table or a folder of parts, in this process or on Ray. Not here: scores (score.py)."""
