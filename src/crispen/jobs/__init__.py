"""A persistent queue of work, and the processes that work it off."""
