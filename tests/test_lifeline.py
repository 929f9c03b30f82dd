"""No process outlives the one that started it, whatever it does with signals."""

import subprocess
import sys
import time
from pathlib import Path

from tests.serving.running import wait_until

#: A parent that is killed, whose child swallows every signal that can be swallowed.
_STUBBORN = """
import os, signal, sys, time
from nurture import lifeline
lifeline._LOOK_EVERY, lifeline._GRACE = 0.1, 0.3
parent = os.getpid()
if os.fork():
    time.sleep(60)
os.setsid()
lifeline.die_with_parent(parent)
lifeline.outlive_nobody(parent)
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
if os.fork():
    print(os.getpid(), flush=True)
while True:
    time.sleep(60)
"""


def _lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_a_child_that_ignores_signals_dies_with_its_parent_and_its_own_children() -> None:
    with subprocess.Popen([sys.executable, "-c", _STUBBORN], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        grandchildren = Path(f"/proc/{child}/task/{child}/children").read_text().split()
        assert _lives(child) and len(grandchildren) == 1
        time.sleep(0.5)
        assert _lives(child)
        parent.kill()
        parent.wait()
        assert wait_until(lambda: not _lives(child) and not _lives(int(grandchildren[0])), 5)


def test_a_child_whose_parent_is_already_gone_does_not_start() -> None:
    gone = subprocess.Popen([sys.executable, "-c", "pass"])
    gone.wait()
    code = f"from nurture.lifeline import die_with_parent; die_with_parent({gone.pid}); print(1)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (1, b"")
