"""A template may print values and use conditionals; everything else is refused with its line."""

import pytest
from jinja2 import UndefinedError

from nurture.rendering.templates import (
    PERSONAL,
    SHARED,
    TemplateError,
    compile_template,
    refuse_what_mails_do_not_need,
)


@pytest.mark.parametrize("name", sorted(PERSONAL | SHARED))
def test_every_value_may_be_printed_and_tested(name: str) -> None:
    refuse_what_mails_do_not_need(
        f"{{{{ {name} }}}} {{% if {name} %}}yes{{% else %}}no{{% endif %}}"
    )


@pytest.mark.parametrize(
    "allowed",
    [
        "plain text, 100% of it, {a: b}",
        "{{ first_name or 'you' }}",
        "{{ first_name if first_name else 'you' }}",
        "{{ first_name|default('you') }}{{ first_name|d('you') }}",
        "{{ 'Dear ' ~ first_name }}",
        "{% if first_name and not article_url %}a{% elif blog_url %}b{% endif %}",
        "{% if article_url == blog_url %}a{% endif %}",
        "{{ practice.address_line }}",
        "{# a note #}{% raw %}{{ anything }}{% endraw %}",
    ],
)
def test_values_conditions_and_comparisons_are_allowed(allowed: str) -> None:
    refuse_what_mails_do_not_need(allowed)


@pytest.mark.parametrize(
    "refused",
    [
        "{% for c in subject %}{{ c }}{% endfor %}",
        "{{ '%1000000000d' % 1 }}",
        "{{ 1 + 1 }}{{ 9 ** 9 }}",
        "{{ 'x' * 1000000000 }}",
        "{{ -1 }}",
        "{{ ''.__class__ }}",
        "{{ ''['__class__'] }}",
        "{{ subject[0] }}",
        "{{ practice.__init__ }}",
        "{{ practice.sender_address }}",
        "{{ practice.owner.upper }}",
        "{{ first_name.__class__ }}",
        "{{ first_name|safe }}",
        "{{ subject|upper }}",
        "{{ first_name|default(subject|list) }}",
        "{{ subject|attr('__class__') }}",
        "{{ subject.upper() }}",
        "{{ link('https://example.org') }}",
        "{{ pixel() }}",
        "{{ range(9) }}",
        "{{ cycler }}",
        "{{ self }}",
        "{{ caller() }}",
        "{% macro m() %}{% endmacro %}",
        "{% include 'x' %}",
        "{% import 'x' as y %}",
        "{% extends 'x' %}",
        "{% block b %}{% endblock %}",
        "{% set subject = 1 %}",
        "{% with %}{% endwith %}",
        "{% filter upper %}{% endfilter %}",
        "{% call subject() %}{% endcall %}",
        "{% autoescape false %}{{ first_name }}{% endautoescape %}",
        "{% if first_name is defined %}{% endif %}",
        "{{ [1] }}{{ {} }}{{ (1, 2) }}",
        "{{ nobody }}",
        "{{ 'x' if nobody }}",
        "{% if first_name == 'Ann' %}{% endif %}",
        "{% if 'A' in (first_name ~ '') %}{% endif %}",
        "{% do 1 %}",
        "{{ first_name",
        "{% if first_name %}",
    ],
)
def test_everything_else_is_refused_with_its_line(refused: str) -> None:
    with pytest.raises(TemplateError) as raised:
        refuse_what_mails_do_not_need(f"one\ntwo\n{refused}")
    assert raised.value.line == 3
    assert str(raised.value)


@pytest.mark.parametrize(
    "refused", ["{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}", "{{ " + "9" * 5000 + " }}"]
)
def test_unparsable_templates_are_refused_too(refused: str) -> None:
    with pytest.raises(TemplateError):
        refuse_what_mails_do_not_need(refused)


def test_an_unknown_value_is_named_together_with_the_known_ones() -> None:
    with pytest.raises(TemplateError, match=r"“frist_name”.*first_name"):
        refuse_what_mails_do_not_need("{{ frist_name }}")


def test_html_is_escaped_and_plain_text_is_not() -> None:
    for html, shown in ((True, "&lt;b&gt;"), (False, "<b>")):
        assert compile_template("{{ first_name }}", html=html).render(first_name="<b>") == shown


def test_a_missing_value_raises_an_error_instead_of_leaving_a_gap() -> None:
    with pytest.raises(UndefinedError):
        compile_template("{{ first_name }}", html=False).render()
