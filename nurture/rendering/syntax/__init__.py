"""Parsing MJML and Jinja, with every position recorded."""
