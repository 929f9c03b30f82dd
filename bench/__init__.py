"""The benchmarks: `python -m bench` prints one table."""
