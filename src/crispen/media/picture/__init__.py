"""Pictures: libvips and other readers and writers, metadata, colour and orientation."""
