"""Files anywhere: object stores, other machines, archives, the web, and plain folders."""
