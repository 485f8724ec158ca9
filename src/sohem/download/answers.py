"""What the head of a server's answer says, and what went wrong where none came; a server may say anything."""

import re

import requests


def version(answer: requests.Response) -> str | None:
    """What the server calls this version of the file, to ask for more of the same."""
    etag = answer.headers.get("ETag", "")
    return etag if etag and not etag.startswith("W/") else answer.headers.get("Last-Modified")


def total(answer: requests.Response) -> int | None:
    """The length of the whole file, as an answer says it."""
    if answer.status_code in (206, 416):
        return length(answer.headers.get("Content-Range", "").rpartition("/")[2])
    return length(answer.headers.get("Content-Length", ""))


def length(text: str) -> int | None:
    """A number of bytes; None for what no file has, such as thousands of digits, which int() refuses."""
    return int(text) if re.fullmatch(r"[0-9]{1,18}", text) else None


def chunked(answer: requests.Response) -> bool:
    return answer.headers.get("Transfer-Encoding", "").lower() == "chunked"


def words(error: Exception) -> str:
    """What went wrong on the network, in a few words."""
    text = str(error)
    for kind, words in (
        ("timed out", "no byte came for too long"),
        ("IncompleteRead", "the connection was cut in the middle"),
        ("NameResolution", "the server's name is not known (is there a network?)"),
        ("Connection refused", "the server refuses connections"),
    ):
        if kind in text:
            return words
    return f"{type(error).__name__}: {' '.join(text.split())[:200]}"
