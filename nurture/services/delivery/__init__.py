"""From due to delivered: sweeping, claiming, sending and recording; doubts, pauses and sunsets."""
