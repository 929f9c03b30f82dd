"""When the next email goes: planner, gate, sending hours, pauses and sunsets."""
