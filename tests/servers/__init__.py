"""The servers and the clock that tests bring up for themselves, all real, all gone afterwards."""
