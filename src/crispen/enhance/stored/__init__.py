"""Batches with inputs or results in stores; see `crispen.stores`."""
