"""Search: which values of a recipe give the best figure in validation."""
