"""From due to delivered: sweep, claim, send, record; doubts, pauses and sunsets."""
