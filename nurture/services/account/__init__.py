"""The mail server's account: held after a refusal, and opened again."""
