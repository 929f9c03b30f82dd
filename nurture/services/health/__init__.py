"""Health checks: what is wrong with an installation, and how to fix each finding."""
