"""Judges a model: figures beside baselines, plots, card, version. Run as `python -m eval.evaluate`; never `import eval`."""
