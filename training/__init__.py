"""Training: the stage scripts that make, judge and publish a bundle."""
