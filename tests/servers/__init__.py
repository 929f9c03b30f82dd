"""Real servers and a clock that tests start for themselves, all gone afterwards."""
