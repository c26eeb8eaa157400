"""The same work on many machines: files of a batch, and segments of videos, on Ray."""
