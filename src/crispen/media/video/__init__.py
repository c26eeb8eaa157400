"""Videos with PyAV (FFmpeg): containers, frames with exact time stamps, codecs, other streams."""
