"""Each step of the queue's tables, oldest first."""
