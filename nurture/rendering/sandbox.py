"""A separate process, limited in time and memory, for parsing untrusted input.

Whatever the input does to its parser, the calling process continues, with an answer or without.
Starting the process takes a fifth of a second.
"""

import json
import resource
import subprocess
import sys
from collections.abc import Callable
from typing import Any

#: What the process may use: processor seconds, elapsed seconds, and bytes.
_PROCESSOR_SECONDS, _WALL_SECONDS = 10, 20.0
_MEMORY = 1 << 30


def ask_apart(module: str, question: bytes) -> dict[str, Any] | None:
    """Return what a module gives `answer_apart`, in its own process; None if stopped or failed."""
    command = [sys.executable, "-m", module]
    try:
        done = subprocess.run(command, input=question, capture_output=True, timeout=_WALL_SECONDS)
    except subprocess.TimeoutExpired:
        return None
    if done.returncode:
        return None
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def answer_apart(answer: Callable[[bytes], dict[str, Any]]) -> None:
    """In the separate process, answer the question on standard input."""
    resource.setrlimit(resource.RLIMIT_CPU, (_PROCESSOR_SECONDS, _PROCESSOR_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.stdout.write(json.dumps(answer(sys.stdin.buffer.read())))
