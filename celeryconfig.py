"""How Celery runs here: an alarm clock and a workforce, nothing that must not be lost.

The database is the schedule and the queue. Tasks carry nudges only, so that Redis may be
emptied at any moment and costs at most one sweep.
"""

from celery.schedules import schedule
from kombu import Queue

from nurture.broker.embedded import celery_url_of
from nurture.clock import steady_now
from nurture.settings import load_settings

_settings = load_settings()

broker_url = celery_url_of(_settings.redis_url, _settings.data_dir)
broker_connection_retry_on_startup = True
broker_connection_max_retries = None
broker_transport_options = {
    "visibility_timeout": 600,
    "unacked_restore_throttle": 1,
    "socket_timeout": 5,
    "socket_connect_timeout": 2,
    "socket_keepalive": True,
    "health_check_interval": 10,
}

task_serializer = "json"
accept_content = ["json"]
task_ignore_result = True
task_store_errors_even_if_ignored = False
# There are no results, and no tick that looks for old ones by the clock on the wall.
result_expires = None
task_acks_late = True
task_reject_on_worker_lost = True
task_publish_retry = False
worker_prefetch_multiplier = 1
worker_soft_shutdown_timeout = 10
worker_cancel_long_running_tasks_on_connection_loss = False
worker_hijack_root_logger = False
worker_enable_remote_control = False
worker_send_task_events = False
enable_utc = True
timezone = "UTC"

imports = ("tasks.sweep", "tasks.deliver", "tasks.hits", "tasks.mailbox", "tasks.upkeep")
task_default_queue = "nurture"
task_queues = (Queue("nurture"),)
task_routes = {"tasks.*": {"queue": "nurture"}}

#: A nudge that nobody took within this many seconds is stale: the next sweep brings another.
_STALE = max(_settings.sweep_seconds * 2, 10)

# Ticks are kept in memory only: each is harmless to repeat and cheap to miss.
beat_scheduler = "celery.beat:Scheduler"
beat_max_loop_interval = max(_settings.sweep_seconds, 0.1)


def _every(seconds: float) -> schedule:
    """A tick that comes also while the clock, which was set back, repeats an hour."""
    return schedule(seconds, nowfun=steady_now)


beat_schedule = {
    "sweep": {
        "task": "tasks.advancing.sweep",
        "schedule": _every(_settings.sweep_seconds),
        "options": {"expires": _STALE},
    },
    "fold hits": {
        "task": "tasks.recording.fold_hits",
        "schedule": _every(_settings.sweep_seconds),
        "options": {"expires": _STALE},
    },
    "judge hits": {
        "task": "tasks.recording.judge_hits",
        "schedule": _every(_settings.sweep_seconds),
        "options": {"expires": _STALE},
    },
    "read the mailbox": {
        "task": "tasks.mailbox.read",
        "schedule": _every(120),
        "options": {"expires": 120},
    },
    "upkeep": {
        "task": "tasks.upkeep.tidy",
        "schedule": _every(3600),
        "options": {"expires": 3600},
    },
    "back up": {
        "task": "tasks.upkeep.back_up",
        "schedule": _every(900),
        "options": {"expires": 900},
    },
    "believe silence": {
        "task": "tasks.upkeep.believe_silence",
        "schedule": _every(3600),
        "options": {"expires": 3600},
    },
    "follow the feed": {
        "task": "tasks.upkeep.follow_feed",
        "schedule": _every(3600),
        "options": {"expires": 3600},
    },
    "ask the quiet": {
        "task": "tasks.upkeep.ask_the_quiet",
        "schedule": _every(3600),
        "options": {"expires": 3600},
    },
}
