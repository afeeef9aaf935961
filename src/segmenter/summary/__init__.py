"""Scored table to findings (plain data) to charts to one page. No model, no torch, no MLflow; extra `summary`."""
