"""The plugin inside a real WordPress, which `make wordpress` installs."""
