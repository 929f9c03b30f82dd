"""MJML and Jinja as they are written, with every place known."""
