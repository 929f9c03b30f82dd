"""When the next email is sent: planner, gate, send window, pauses and sunsets."""
