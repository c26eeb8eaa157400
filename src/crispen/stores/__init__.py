"""Access to files in object stores, on other machines, in archives, on the web and in folders."""
