"""The summary as one self-contained HTML page, with charts that answer to choices and need no network."""
