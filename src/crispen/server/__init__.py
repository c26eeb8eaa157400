"""The web page's server: REST and server-sent events over `crispen.jobs`."""
