"""Reading a feed's document in a process of its own, limited in time and memory.

Two megabytes of unclosed tags keep the parser busy for twenty seconds, and others may know worse.
Starting the process takes a quarter of a second.
"""

import json
import resource
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from nurture.domain.broadcasts.posts import Post
from nurture.feed.network import FeedError
from nurture.feed.reader import FetchedFeed

#: Processor seconds, elapsed seconds, and bytes of memory.
_PROCESSOR_SECONDS, _WALL_SECONDS = 5, 20.0
_MEMORY = 1 << 29

#: This module's name, which also holds when it runs as the process's own program.
_MODULE = "nurture.feed.confined"


def read_confined(fetched: FetchedFeed) -> list[Post]:
    """Return the posts of a feed in its order; raise `FeedError` if it cannot be read."""
    head = {"address": fetched.address, "content_type": fetched.content_type}
    question = json.dumps(head).encode() + b"\n" + fetched.data
    try:
        done = subprocess.run(
            [sys.executable, "-m", _MODULE],
            input=question,
            capture_output=True,
            timeout=_WALL_SECONDS,
        )
        answer = json.loads(done.stdout)
    except (subprocess.TimeoutExpired, ValueError):
        raise FeedError("The feed cannot be read in the time and memory that a feed needs.") from (
            None
        )
    if "error" in answer:
        raise FeedError(answer["error"], remedy=answer["remedy"])
    return [_post(values) for values in answer["posts"]]


def _post(values: Mapping[str, Any]) -> Post:
    published = values["published"]
    moment = datetime.fromisoformat(published) if published else None
    return Post(**{**values, "published": moment})


def _answer(question: bytes) -> dict[str, Any]:
    from nurture.feed.document import read_document

    head, _, data = question.partition(b"\n")
    try:
        posts = read_document(data, **json.loads(head))
    except FeedError as error:
        return {"error": error.message, "remedy": error.remedy}
    values = [asdict(post) for post in posts]
    for one in values:
        one["published"] = one["published"].isoformat() if one["published"] else None
    return {"posts": values}


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CPU, (_PROCESSOR_SECONDS, _PROCESSOR_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    sys.stdout.write(json.dumps(_answer(sys.stdin.buffer.read())))
