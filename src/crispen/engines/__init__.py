"""Run one network on one window of pixels, with the fastest engine on this machine."""
