"""Is the process alive, has it what it needs, and how do things stand."""

from http import HTTPStatus

from flask import Blueprint, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest

from nurture.bootstrap import House, broker_trouble
from nurture.services import reporting
from webhooks.problems import ProblemError

_SOON = [("Retry-After", "30")]


def create_health(house: House) -> Blueprint:
    """`GET /healthz` (the process), `/readyz` (what it needs) and `/metrics`."""
    blueprint = Blueprint("health", __name__)

    @blueprint.get("/healthz")
    def healthy() -> Response:
        return _plain("ok")

    @blueprint.get("/readyz")
    def ready() -> Response:
        house.database.ping()
        with house.database.reading() as connection:
            house.catalogue.current(connection)
        if trouble := broker_trouble(house):
            raise ProblemError(HTTPStatus.SERVICE_UNAVAILABLE, trouble, headers=_SOON)
        return _plain("ready")

    @blueprint.get("/metrics")
    def metrics() -> Response:
        return Response(generate_latest(_gauges(house)), mimetype=CONTENT_TYPE_LATEST)

    return blueprint


def _plain(said: str) -> Response:
    return Response(f"{said}\n", HTTPStatus.OK, mimetype="text/plain")


def _gauges(house: House) -> CollectorRegistry:
    """Counted when asked, so that every web process tells the same."""
    registry = CollectorRegistry()
    standing = reporting.status(house.database, house.fingerprint, house.witness, house.clock())
    for name, what in (("enrolments", "status"), ("messages", "status"), ("events", "kind")):
        gauge = Gauge(f"nurture_{name}", f"{name} by {what}", [what], registry=registry)
        for key, count in standing[name].items():
            gauge.labels(key).set(count)
    for name in ("subscribers", "due_now", "armed"):
        Gauge(f"nurture_{name}", name.replace("_", " "), registry=registry).set(standing[name])
    doubt = Gauge("nurture_in_doubt", "messages in doubt", registry=registry)
    doubt.set(len(standing["in_doubt"]))
    return registry
