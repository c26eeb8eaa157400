"""One TOML file per model that can be trained by name."""
