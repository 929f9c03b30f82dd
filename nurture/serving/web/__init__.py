"""The web server: connections with deadlines, lanes, and Flask behind them."""
