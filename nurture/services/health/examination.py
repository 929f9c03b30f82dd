"""The examination: all checks run together, within a time limit."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping

from nurture.domain.errors import NurtureError
from nurture.services.health.finding import Finding, FindingLevel, failed, failed_by

#: A function that checks one thing, or several that depend on each other.
Check = Callable[[], Iterable[Finding]]

#: The examination ends within this many seconds, even if every port hangs.
PATIENCE = 9.0


def examine(checks: Mapping[str, Check], patience: float = PATIENCE) -> list[Finding]:
    """Return all findings, worst first; never raise, and finish within `patience` seconds.

    A check that has not finished by then is itself a finding. Its thread is left running, and does
    not prevent the program from exiting.
    """
    deadline = time.monotonic() + patience
    looks = [_Look(name, check) for name, check in checks.items()]
    for look in looks:
        look.start()
    for look in looks:
        look.join(max(0.0, deadline - time.monotonic()))
    found = [finding for look in looks for finding in look.found(patience)]
    order = list(FindingLevel)
    return sorted(found, key=lambda finding: -order.index(finding.level))


class _Look(threading.Thread):
    """One check running in its own thread."""

    def __init__(self, name: str, check: Check) -> None:
        super().__init__(name=f"health-{name}", daemon=True)
        self._about, self._check = name, check
        self._found: list[Finding] = []

    def found(self, patience: float) -> list[Finding]:
        """Return what has been found so far."""
        found = list(self._found)
        if self.is_alive():
            said = f"Looking at this took more than {patience:g} seconds."
            remedy = "See why it hangs: the network, a mounted folder, or a server that is busy."
            found.append(failed(self._about, said, remedy))
        return found

    def run(self) -> None:
        try:
            for finding in self._check():
                self._found.append(finding)
        except NurtureError as error:
            self._found.append(failed_by(self._about, error))
        except Exception as error:
            # The error's text is left out because it may contain a password.
            said = f"This could not be looked at ({type(error).__name__})."
            remedy = "See that what it is about is set as the README says, and look again."
            self._found.append(failed(self._about, said, remedy))
