"""The laboratory: trains, measures and exports networks; needs PyTorch."""
