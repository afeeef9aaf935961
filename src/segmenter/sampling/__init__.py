"""Which messages to label next: drawn from a corpus by strategy, written as Label Studio tasks or as a table."""
