"""Sets of pictures before training: what is in them, what to leave out, what leaks into tests."""
