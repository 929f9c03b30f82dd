"""Reconnecting after the broker was unavailable: promptly, and with every worker slot free."""

from typing import Any

from celery.app.amqp import AMQP
from kombu import Connection
from kombu.transport import redis
from kombu.transport.virtual import QoS
from redis.exceptions import OutOfMemoryError

#: Seconds between two attempts to reach the broker; the usual wait grows to half a minute.
_TRY_EVERY = 0.5


class ForgivingQoS(redis.QoS):
    """A QoS that frees a worker's slot even if the broker did not learn that its task is done.

    The default counts such a task as running for ever; once such tasks fill every slot, a worker
    asks for no more, and does not even notice that its connection is gone.
    """

    def append(self, message: Any, delivery_tag: str) -> None:
        """Accept a task even if the broker has no memory left to record who has it."""
        try:
            super().append(message, delivery_tag)
        except OutOfMemoryError:
            QoS.append(self, message, delivery_tag)

    def ack(self, delivery_tag: str) -> None:
        """Acknowledge a task as done; a second delivery would do no harm."""
        try:
            super().ack(delivery_tag)
        finally:
            QoS.ack(self, delivery_tag)


class PromptConnection(Connection):
    """A connection that retries at short intervals."""

    def ensure_connection(self, *args: Any, **options: Any) -> Any:
        """Connect as usual, but without growing delays between attempts."""
        intervals = {"interval_start": _TRY_EVERY, "interval_step": 0, "interval_max": _TRY_EVERY}
        return super().ensure_connection(*args, **(options | intervals))


class PromptAMQP(AMQP):
    """Celery's broker interface, using such connections."""

    Connection = PromptConnection


redis.Channel.QoS = ForgivingQoS
