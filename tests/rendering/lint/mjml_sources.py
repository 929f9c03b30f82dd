"""Sources in MJML to be linted, and what the compiler makes of one."""

from mjml import mjml2html

from nurture.rendering.syntax.jinja_tags import JinjaTagError
from nurture.rendering.syntax.masks import mask_jinja

SOUND = """\
{# The welcome. #}
<mjml lang="en-GB">
  <mj-head>
    <mj-title>{{ subject }}</mj-title>
    {# Colours are shared. #}
    <mj-attributes>
      <mj-all color="#123456" font-family="Georgia, serif" />
      <mj-class name="card" padding="1px 2px" />
      <mj-image padding="0" />
    </mj-attributes>
    <mj-style>p > a { margin: 0 } {% if a < b %}.x { content: "\\201c" }{% endif %}</mj-style>
  </mj-head>
  <mj-body width="600px">
    <!-- The greeting. -->
    {% if a < b and c == "d" %}
    <mj-section css-class="card" mj-class="card" background-color="{{ '}}' or '<' }}">
      <mj-column>
        <mj-text><p class="{{ x }}" {% if y %} id="z" {% endif %}>Hi <br /> &amp; {{
          name }}</p><ul><li>&nbsp;<a href="{{ link }}">a</a></li></ul></mj-text>
        <mj-button href="{{ url("x", 'y') }}">Go <b>now</b></mj-button>
        <mj-image src="a.png" alt="" />
        <mj-table><tr><td>Żółć &gt; a > 😀</td></tr></mj-table>
        <mj-social>
          {% for link in links %}
          <mj-social-element name="facebook" href="{{ link }}">F</mj-social-element>
          {% endfor %}
        </mj-social>
        <mj-raw><!--[if mso]><table><![endif]--><!--[if mso]></table><![endif]--></mj-raw>
      </mj-column>
    </mj-section>
    {% else %}
    <mj-raw>{% endif %}</mj-raw>
  </mj-body>
</mjml>
"""


def body(content: str) -> str:
    return f"<mjml>\n<mj-body>\n{content}\n</mj-body>\n</mjml>"


def column(content: str) -> str:
    return body(f"<mj-section><mj-column>\n{content}\n</mj-column></mj-section>")


def head(content: str) -> str:
    return f"<mjml>\n<mj-head>\n{content}\n</mj-head>\n<mj-body></mj-body></mjml>"


def compiled(source: str) -> str:
    html: str = mjml2html(source, fonts={})
    return html


def refusal(source: str) -> BaseException | None:
    """Return the compiler's objection to the source; its panics are not ordinary exceptions."""
    try:
        mjml2html(mask_jinja(source)[0], fonts={})
    except JinjaTagError as error:
        return error
    except BaseException as error:
        if isinstance(error, ValueError) or type(error).__name__ == "PanicException":
            return error
        raise
    return None
