"""What share of some messages is built for an audience: from scores alone, or with labels of a random sample. No files."""
