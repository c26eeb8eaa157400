"""Reads pixels from files and writes them."""
