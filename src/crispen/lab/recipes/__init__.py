"""One TOML file for each model that can be trained by name."""
