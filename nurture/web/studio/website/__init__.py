"""The pages under Settings, Your website: forms and how to connect them, sites, and kept calls."""
