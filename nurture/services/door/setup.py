"""How a form is connected: its addresses, its boxes, and the steps for each form builder."""

from dataclasses import dataclass
from urllib.parse import quote

from nurture import builders
from nurture.builders import FormBuilder
from nurture.domain.sequences.sequence import Sequence
from nurture.domain.subscribers.consent import GUIDE_BOXES, OWN_WORDINGS, Purpose
from nurture.services.catalogue import Published
from nurture.services.subscribers.signup import insist_on_form

#: What stands in an example until the real value is shown.
KEY_PLACEHOLDER, SECRET_PLACEHOLDER = "YOUR-KEY", "YOUR-SECRET"


@dataclass(frozen=True, slots=True)
class SetupBox:
    """A box that a form may have: the value that it sends, and the words beside it."""

    value: str
    words: str


@dataclass(frozen=True, slots=True)
class BuilderSteps:
    """What to do in one form builder.

    If `signs`, it can sign its calls, and `secret_help` says where its secret is. With
    `issues_secret` the builder makes it.
    """

    name: str
    label: str
    steps: tuple[str, ...]
    signs: bool = False
    issues_secret: bool = False
    secret_help: str = ""


@dataclass(frozen=True, slots=True)
class FormSetup:
    """Everything that is needed to connect one form of a website."""

    form: str
    title: str
    wording: str
    boxes: tuple[SetupBox, ...]
    address: str
    signed_address: str
    hosted: str
    builders: tuple[BuilderSteps, ...]


def form_setup(
    published: Published,
    form: str,
    base_url: str,
    key: str = KEY_PLACEHOLDER,
    secret: str = SECRET_PLACEHOLDER,
) -> FormSetup:
    """Return how to connect a form with the key of a website; raise `UnknownFormError`."""
    sequence = insist_on_form(published, form)
    path = quote(form, safe="")
    signed = f"{base_url}/webhooks/signup/{path}"
    return FormSetup(
        form=form,
        title=sequence.guide_title or sequence.title,
        wording=sequence.form.wording if sequence.form else "",
        boxes=_boxes(published, sequence),
        address=f"{signed}/{key}",
        signed_address=signed,
        hosted=f"{base_url}/f/{path}",
        builders=_builders(f"{signed}/{key}", secret),
    )


def _boxes(published: Published, sequence: Sequence) -> tuple[SetupBox, ...]:
    """Return the boxes that have an effect; what the wording itself grants needs none."""
    idle = set(sequence.form.grants if sequence.form else ())
    if not published.segments.health:
        idle.add(Purpose.HEALTH_TOPICS)
    asked = (one for one in GUIDE_BOXES if one not in idle)
    return tuple(SetupBox(str(one), OWN_WORDINGS[one]) for one in asked)


def _builders(address: str, secret: str) -> tuple[BuilderSteps, ...]:
    """Return every builder that has steps, by its label."""
    found = [one for one in builders.registry().values() if one.setup]
    ordered = sorted(found, key=lambda one: one.label.casefold())
    return tuple(_steps(one, address, secret) for one in ordered)


def _steps(builder: FormBuilder, address: str, secret: str) -> BuilderSteps:
    # The steps are the program's own, but braces in them may be meant as they are.
    filled = (
        one.replace("{address}", address).replace("{secret}", secret) for one in builder.setup
    )
    proof = builder.proof
    return BuilderSteps(
        builder.name,
        builder.label,
        tuple(filled),
        signs=proof is not None,
        issues_secret=proof is not None and proof.issues_secret,
        secret_help=proof.secret_help if proof else "",
    )
