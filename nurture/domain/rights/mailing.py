"""Mailings: the kinds of email that the right to write tells apart."""

from enum import StrEnum


class Mailing(StrEnum):
    """What is to be sent."""

    GUIDE = "guide asked for"
    REMINDER = "reminder of the guide"
    SERIES = "series article"
    #: An invitation to book, in a series or a broadcast.
    INVITATION = "invitation"
    ARTICLES = "broadcast of articles"
    NEWS = "broadcast of news"
    PERSONAL = "personal email"
    #: The owner's answer to a question that the person asked.
    ANSWER = "answer to their question"
    #: The confirmation of what they asked on their own page: a copy of their data, or an erasure.
    OWN_DATA = "their data or erasure"
    #: The question after a long silence, whether they still want the emails.
    STILL_THERE = "question after silence"
