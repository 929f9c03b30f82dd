"""Compiling what somebody writes in a process of its own, within limits of time and memory.

Whatever the source does to the compilers, the process that asked goes on and gets a
finding. Starting one takes a fifth of a second, which is well spent on a page that people
type into; whoever compiles trusted files calls `compile_email` itself.
"""

import json
import resource
import subprocess
import sys
from dataclasses import asdict
from typing import Any

from nurture.domain.email import EmailFormat, EmailSource
from nurture.rendering.compiling import CompiledEmail, EmailError, compile_email
from nurture.rendering.limits import limit_findings

#: What the process may use: seconds of the processor, seconds on the wall, bytes.
_PROCESSOR_SECONDS, _WALL_SECONDS = 10, 20.0
_MEMORY = 1 << 30


def compile_confined(source: EmailSource) -> CompiledEmail:
    """Compile an email as `compile_email` does; raises `EmailError`, and nothing else.

    What is too long to be looked at is refused before the process is started.
    """
    if too_much := limit_findings(source):
        raise EmailError(too_much)
    answer = _ask(json.dumps(asdict(source)).encode())
    if answer is None:
        raise EmailError([f"{source.place}: it cannot be compiled in time. Make it simpler."])
    if "findings" in answer:
        raise EmailError(answer["findings"])
    return CompiledEmail.from_json(answer["compiled"])


def _ask(question: bytes) -> dict[str, Any] | None:
    """What the process answered; None where it was stopped, or came to grief."""
    command = [sys.executable, "-m", "nurture.rendering.confined"]
    try:
        done = subprocess.run(command, input=question, capture_output=True, timeout=_WALL_SECONDS)
    except subprocess.TimeoutExpired:
        return None
    if done.returncode:
        return None
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def _answer(question: bytes) -> dict[str, Any]:
    asked = json.loads(question)
    source = EmailSource(**{**asked, "format": EmailFormat(asked["format"])})
    try:
        return {"compiled": compile_email(source).as_json()}
    except EmailError as error:
        return {"findings": error.findings}


def _limit_oneself() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (_PROCESSOR_SECONDS, _PROCESSOR_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    _limit_oneself()
    sys.stdout.write(json.dumps(_answer(sys.stdin.buffer.read())))
