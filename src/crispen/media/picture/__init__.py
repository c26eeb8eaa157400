"""Pictures: libvips and the readers and writers beside it, metadata, colour and orientation."""
