"""The laboratory: networks are trained, measured and exported here; needs PyTorch."""
