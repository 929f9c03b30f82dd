"""A process apart for reading what somebody else made, within limits of time and memory.

Whatever it does to its reader, the process that asked goes on and gets an answer or none.
Starting one takes a fifth of a second.
"""

import json
import resource
import subprocess
import sys
from collections.abc import Callable
from typing import Any

#: What the process may use: seconds of the processor, seconds on the wall, bytes.
_PROCESSOR_SECONDS, _WALL_SECONDS = 10, 20.0
_MEMORY = 1 << 30


def ask_apart(module: str, question: bytes) -> dict[str, Any] | None:
    """What the module answered in a process of its own, which it does by `answer_apart`.

    None where the process was stopped, or came to grief.
    """
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
    """In that process: answer the question that stands on the standard input."""
    resource.setrlimit(resource.RLIMIT_CPU, (_PROCESSOR_SECONDS, _PROCESSOR_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.stdout.write(json.dumps(answer(sys.stdin.buffer.read())))
