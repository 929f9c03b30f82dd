"""What speed is measured with: `python -m bench` prints one table."""
