"""A persistent job queue and its worker processes."""
