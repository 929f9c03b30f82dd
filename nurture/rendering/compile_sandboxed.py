"""Compiling untrusted emails in a separate process with a time limit.

The extra cost is worth it on a page people type into; callers with trusted files use
`compile_email` directly.
"""

import json
from dataclasses import asdict
from typing import Any

from nurture.domain.messages.email import EmailFormat, EmailSource
from nurture.rendering.compile import CompiledEmail, EmailError, compile_email
from nurture.rendering.lint.limits import limit_findings
from nurture.rendering.sandbox import answer_apart, ask_apart

#: This module's name, which also holds when it runs as the process's own program.
_MODULE = "nurture.rendering.compile_sandboxed"


def compile_confined(source: EmailSource) -> CompiledEmail:
    """Compile an email as `compile_email` does; raise `EmailError` and nothing else.

    Emails that are too long to examine are refused before the process is started.
    """
    if too_much := limit_findings(source):
        raise EmailError(too_much)
    answer = ask_apart(_MODULE, json.dumps(asdict(source)).encode())
    if answer is None:
        raise EmailError([f"{source.place}: it cannot be compiled in time. Make it simpler."])
    if "findings" in answer:
        raise EmailError(answer["findings"])
    return CompiledEmail.from_json(answer["compiled"])


def _answer(question: bytes) -> dict[str, Any]:
    asked = json.loads(question)
    source = EmailSource(**{**asked, "format": EmailFormat(asked["format"])})
    try:
        return {"compiled": compile_email(source).as_json()}
    except EmailError as error:
        return {"findings": error.findings}


if __name__ == "__main__":
    answer_apart(_answer)
