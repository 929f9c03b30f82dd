"""Getting over a broker that was away: as soon as it is back, and with every hand free."""

from typing import Any

from celery.app.amqp import AMQP
from kombu import Connection
from kombu.transport import redis
from kombu.transport.virtual import QoS
from redis.exceptions import OutOfMemoryError

#: Seconds between two attempts to reach the broker; the usual wait grows to half a minute.
_TRY_EVERY = 0.5


class ForgivingQoS(redis.QoS):
    """Frees a worker's hand also where the broker did not hear that its task is done.

    The usual one counts such a task as in hand for ever; with all hands taken by such
    tasks a worker asks for no more, and does not even notice that its connection is gone.
    """

    def append(self, message: Any, delivery_tag: str) -> None:
        """Take a task in hand, also where the broker has no memory left to note who has it."""
        try:
            super().append(message, delivery_tag)
        except OutOfMemoryError:
            QoS.append(self, message, delivery_tag)

    def ack(self, delivery_tag: str) -> None:
        """Say that a task is done; delivered once more it does no harm."""
        try:
            super().ack(delivery_tag)
        finally:
            QoS.ack(self, delivery_tag)


class PromptConnection(Connection):
    """Tries again at short intervals."""

    def ensure_connection(self, *args: Any, **options: Any) -> Any:
        """As usual, but without waits that grow."""
        intervals = {"interval_start": _TRY_EVERY, "interval_step": 0, "interval_max": _TRY_EVERY}
        return super().ensure_connection(*args, **(options | intervals))


class PromptAMQP(AMQP):
    """Celery's ways of talking to the broker, over such connections."""

    Connection = PromptConnection


redis.Channel.QoS = ForgivingQoS
