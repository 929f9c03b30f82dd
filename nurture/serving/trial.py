"""The trial of a version before the running program becomes it: everything loads and fits.

It is a process of its own, so that a version that cannot start costs nothing but a sentence.
"""

import json
import sys

from nurture.domain.errors import NurtureError
from nurture.serving.loading import load_everything
from nurture.serving.preparation import in_words, prepare


def main() -> int:
    """Load all, and bring the database up to date beside the version that is running.

    What the welcome tells is written to the standard output as JSON.
    """
    load_everything()
    try:
        sys.stdout.write(json.dumps(prepare()))
    except (NurtureError, OSError) as error:
        if (trouble := in_words(error)) is None:
            raise
        sys.stderr.write(f"nurture: {trouble}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
