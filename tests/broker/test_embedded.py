"""The program's own Redis server starts, preserves its data and always stops."""

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import redis
from celery import Celery

from nurture.broker import embedded
from nurture.broker.embedded import EmbeddedRedis, EmbeddedRedisError, celery_url_of
from tests.presence import at_least_one


def test_the_embedded_redis_answers_as_soon_as_it_has_started(tmp_path: Path) -> None:
    began = time.monotonic()
    with EmbeddedRedis.start(tmp_path) as server:
        assert redis.from_url(server.redis_url).ping()
        assert server.alive()
        assert time.monotonic() - began < 2


def test_other_users_cannot_read_the_embedded_redis_data(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    with EmbeddedRedis.start(tmp_path) as server:
        kept = [tmp_path, server.socket_path, *tmp_path.glob("appendonlydir/*")]
        assert len(kept) > 3
        assert not any(stat.S_IMODE(path.stat().st_mode) & 0o077 for path in at_least_one(kept))


def test_the_embedded_redis_keeps_its_data_across_a_restart(tmp_path: Path) -> None:
    with EmbeddedRedis.start(tmp_path) as first:
        redis.from_url(first.redis_url).rpush("queue", "one", "two")
    with EmbeddedRedis.start(tmp_path) as second:
        assert redis.from_url(second.redis_url).lrange("queue", 0, -1) == [
            b"one",
            b"two",
        ]


def test_the_embedded_redis_never_evicts_a_waiting_task(tmp_path: Path) -> None:
    with EmbeddedRedis.start(tmp_path) as server:
        policy = redis.from_url(server.redis_url).config_get("maxmemory-policy")
    assert policy == {"maxmemory-policy": "noeviction"}


def test_celery_understands_the_embedded_redis_url(tmp_path: Path) -> None:
    with EmbeddedRedis.start(tmp_path / "a folder, 100% ours") as server:
        with Celery(
            broker=celery_url_of(server.redis_url, tmp_path)
        ).connection_for_write() as connection:
            connection.ensure_connection(max_retries=1)
            connection.SimpleQueue("bell").put("ring")
        assert redis.from_url(server.redis_url).llen("bell") == 1


def test_a_directory_path_too_long_for_a_socket_still_works(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 100) / ("e" * 100)
    with EmbeddedRedis.start(deep) as server:
        assert redis.from_url(server.redis_url).ping()
        assert len(os.fsencode(server.socket_path)) <= embedded.LONGEST_SOCKET_PATH
        assert server.socket_path.is_relative_to(deep) is False
    assert not server.socket_path.parent.exists()
    assert (deep / "appendonlydir").is_dir()


def test_the_embedded_redis_starts_under_an_unknown_locale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "xx_YY.UTF-8")
    with EmbeddedRedis.start(tmp_path) as server:
        assert server.alive()


def test_the_redis_log_is_rotated_when_it_grows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "LARGEST_LOG", 100)
    for _ in range(3):
        EmbeddedRedis.start(tmp_path).stop()
    logs = sorted(path.name for path in tmp_path.glob("redis.log*"))
    assert logs == ["redis.log", "redis.log.1"]


def test_a_stopped_server_leaves_no_process(tmp_path: Path) -> None:
    server = EmbeddedRedis.start(tmp_path)
    server.stop()
    assert not server.alive()
    assert not Path(f"/proc/{server.pid}").exists()
    server.stop()


def test_a_killed_server_is_noticed(tmp_path: Path) -> None:
    with EmbeddedRedis.start(tmp_path) as server:
        os.kill(server.pid, signal.SIGKILL)
        _eventually(lambda: not server.alive())


def test_a_second_server_in_one_directory_is_refused_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "SECONDS_TO_WAIT_FOR_A_PREDECESSOR", 0.05)
    with EmbeddedRedis.start(tmp_path) as first:
        with pytest.raises(EmbeddedRedisError, match=r"NURTURE_DATA_DIR"):
            EmbeddedRedis.start(tmp_path)
        assert first.alive()


def test_damaged_files_raise_an_error_that_says_what_to_delete(tmp_path: Path) -> None:
    with EmbeddedRedis.start(tmp_path) as server:
        redis.from_url(server.redis_url).set("key", "value")
    for file in tmp_path.glob("appendonlydir/*.manifest"):
        file.write_text("rubbish\n")
    with pytest.raises(EmbeddedRedisError, match=rf"delete {tmp_path}"):
        EmbeddedRedis.start(tmp_path)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ties a child to its parent")
def test_the_embedded_redis_dies_with_the_program_even_on_kill_9(tmp_path: Path) -> None:
    with _program_with_a_server(tmp_path) as program:
        assert program.stdout is not None
        server = int(program.stdout.readline())
        assert Path(f"/proc/{server}").exists()
        program.kill()
    _eventually(lambda: not _running(server))
    with EmbeddedRedis.start(tmp_path) as successor:
        assert successor.alive()


@pytest.mark.skipif(sys.platform != "linux", reason="process groups are read from /proc")
def test_ctrl_c_reaches_the_program_and_not_the_server(tmp_path: Path) -> None:
    with EmbeddedRedis.start(tmp_path) as server:
        assert os.getsid(server.pid) == server.pid != os.getsid(0)


def _program_with_a_server(directory: Path) -> subprocess.Popen[bytes]:
    program = (
        "import sys, time, pathlib\n"
        "from nurture.broker.embedded import EmbeddedRedis\n"
        "server = EmbeddedRedis.start(pathlib.Path(sys.argv[1]))\n"
        "print(server.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    return subprocess.Popen([sys.executable, "-c", program, str(directory)], stdout=subprocess.PIPE)


def _running(process: int) -> bool:
    try:
        status = Path(f"/proc/{process}/stat").read_text()
    except FileNotFoundError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def _eventually(holds: Callable[[], bool], seconds: float = 5) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.01)
