"""Files wherever they are: object stores, other machines, archives, the web, and plain folders."""
