"""A package, for pytest gives fixtures of scope "package" to the whole session without one."""
