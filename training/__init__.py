"""Makes a model: prepare the labels, train, calibrate, export, seal a bundle. Run as `python -m training.train`."""
