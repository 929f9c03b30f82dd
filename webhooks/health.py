"""Health checks and metrics: liveness, readiness and figures."""

import time
from hmac import compare_digest
from http import HTTPStatus
from threading import Lock

from flask import Blueprint, Response, abort, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest

from nurture.bootstrap import Context, broker_trouble
from nurture.domain.errors import NurtureError
from nurture.proxies import is_from_this_machine
from nurture.services.reports import status
from webhooks.problems import AWAY, ProblemError

_SOON = [("Retry-After", "30")]

#: Seconds for which the figures are cached.
_FRESH = 5.0


def create_health(context: Context) -> Blueprint:
    """Serve `GET /healthz` (the process), `/readyz` (what it needs) and `/metrics`.

    The reason for trouble and the figures are given only to this machine and to callers with
    `NURTURE_METRICS_TOKEN`; strangers learn only whether the program is ready.
    """
    blueprint = Blueprint("health", __name__)
    figures = _Figures(context)

    @blueprint.get("/healthz")
    def healthy() -> Response:
        return _plain("ok")

    @blueprint.get("/readyz")
    def ready() -> Response:
        trouble = _trouble(context)
        if trouble:
            said = trouble if _is_one_of_us(context) else AWAY
            raise ProblemError(HTTPStatus.SERVICE_UNAVAILABLE, said, headers=_SOON)
        return _plain("ready")

    @blueprint.get("/metrics")
    def metrics() -> Response:
        if not _is_one_of_us(context):
            abort(HTTPStatus.NOT_FOUND)
        return Response(figures.told(), mimetype=CONTENT_TYPE_LATEST)

    return blueprint


def _is_one_of_us(context: Context) -> bool:
    token = context.settings.metrics_token
    scheme, _, shown = request.headers.get("Authorization", "").partition(" ")
    if token and scheme.lower() == "bearer":
        return compare_digest(shown.strip().encode(), token.encode())
    return is_from_this_machine(request.environ)


def _trouble(context: Context) -> str:
    """Return what prevents answering or sending; "" if nothing does."""
    try:
        context.database.ping()
        context.get_published()
    except NurtureError as error:
        return str(error)
    return broker_trouble(context) or ""


def _plain(said: str) -> Response:
    return Response(f"{said}\n", HTTPStatus.OK, mimetype="text/plain")


class _Figures:
    """Figures that agree in every web process: counted on request, but not on every one."""

    def __init__(self, context: Context) -> None:
        self._context, self._lock = context, Lock()
        self._told, self._until = b"", 0.0

    def told(self) -> bytes:
        """Return the figures in the Prometheus format."""
        with self._lock:
            if time.monotonic() >= self._until:
                self._told = generate_latest(_gauges(self._context))
                self._until = time.monotonic() + _FRESH
            return self._told


def _gauges(context: Context) -> CollectorRegistry:
    registry = CollectorRegistry()
    standing = status.status(
        context.database,
        context.fingerprint,
        context.witness,
        context.clock(),
        context.settings.account_choices,
    )
    for name, what in (("enrolments", "status"), ("messages", "status"), ("events", "kind")):
        gauge = Gauge(f"nurture_{name}", f"{name} by {what}", [what], registry=registry)
        for key, count in standing[name].items():
            gauge.labels(key).set(count)
    for name in ("subscribers", "due_now", "armed"):
        Gauge(f"nurture_{name}", name.replace("_", " "), registry=registry).set(standing[name])
    doubt = Gauge("nurture_in_doubt", "messages in doubt", registry=registry)
    doubt.set(len(standing["in_doubt"]))
    return registry
