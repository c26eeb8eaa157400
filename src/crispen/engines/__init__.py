"""Run one network on one window of pixels, by whatever this machine runs networks fastest with."""
