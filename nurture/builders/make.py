"""Make: fields as its owner has named them, or the bundle of an earlier module.

https://apps.make.com/http
"""

from nurture.builders import FormBuilder, FormFields


def read(fields: FormFields) -> None:
    """Recognise nothing: these forms have no marks, and are read by what fields are called."""


BUILDER = FormBuilder(
    name="make",
    label="Make",
    read=read,
    setup=(
        "In Make, open the scenario that begins with your form and add a module.",
        "Choose HTTP, “Make a request”.",
        "Enter {address} as the URL, and choose the method POST.",
        "Choose JSON (application/json) as the content type, and add the fields email and "
        "first_name, each mapped to the form’s own field.",
        "For each box of the form, add a field called tracking, news, articles or health_topics, "
        "depending on what it asks for.",
        "Choose “Run once” to see that it arrives, then switch the scenario on.",
    ),
)
