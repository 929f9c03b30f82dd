"""`nurture serve`: the whole program as one supervised tree of processes."""

from nurture.serving.programs import run_beat, run_web, run_worker
from nurture.serving.serve import serve

__all__ = ["run_beat", "run_web", "run_worker", "serve"]
