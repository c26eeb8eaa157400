"""Batches whose files, results or both are in stores; see `crispen.stores`."""
