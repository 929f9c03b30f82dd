"""`nurture serve`: the whole program as one supervised tree of processes."""

from nurture.serving.commands import beat_command, web_command, worker_command
from nurture.serving.serve import serve

__all__ = ["beat_command", "serve", "web_command", "worker_command"]
