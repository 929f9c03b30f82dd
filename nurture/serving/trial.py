"""The trial of a new version before the running program becomes it: everything loads and fits.

It runs in a separate process, so that a version that cannot start costs only an error message.
"""

import json
import sys

from nurture.domain.errors import NurtureError
from nurture.serving.loading import load_everything
from nurture.serving.preparation import in_words, prepare


def main() -> int:
    """Load everything, and update the database while the current version is running.

    What the welcome message reports is written to standard output as JSON.
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
