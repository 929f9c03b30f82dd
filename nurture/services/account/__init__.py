"""The mail server account: put on hold after a refusal, and opened again."""
