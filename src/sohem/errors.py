"""The errors a user can cause. The command line shows them without a traceback and exits with status 2."""

from collections.abc import Sequence

LONGEST = 1900  # bytes of a message, whatever the input that it quotes
LISTED = 1500  # bytes of the mistakes that one message lists


class SohemError(Exception):
    """Something the user can mend; the message names the file, line or key and says what to do."""

    def __str__(self) -> str:
        return shortened(super().__str__(), LONGEST)


class ParamsError(SohemError):
    """A key or value of the parameters is not allowed."""


class ClaimsError(SohemError):
    """The list of claims has a key or value that is not allowed."""


class DataError(SohemError):
    """A file of a data set, or a table made from it, is missing, broken or contradicts itself."""


class CheckpointError(SohemError):
    """A checkpoint or weights file is not ours, cut short, or of other settings."""


class TrainingError(SohemError):
    """Training cannot go on (a loss that is not finite, no device, no memory)."""


class MiningError(SohemError, ValueError):
    """The library was called with something that it cannot mine."""


class DownloadError(SohemError):
    """A file cannot be downloaded, or is not the one that is wanted, or there is no room for it."""


def shortened(text: str, room: int) -> str:
    """``text``, or if it has more than ``room`` bytes its beginning and its end."""
    data = text.encode(errors="replace")
    if len(data) <= room:
        return text
    end = room // 4
    return f"{data[: room - end - 5].decode(errors='ignore')} ... {data[-end:].decode(errors='ignore')}"


def of_lines(name: str, lines: Sequence[str]) -> str:
    """A message of several mistakes in the file ``name``, a line for each of the first and how many more there are."""
    shown: list[str] = []
    room = LISTED
    for line in lines:
        shown.append(f"{name}: {shortened(line, 600)}")
        room -= len(shown[-1].encode(errors="replace"))
        if room < 0 and len(shown) < len(lines):
            shown.append(f"{name}: {len(lines) - len(shown)} more mistakes")
            break
    return "\n".join(shown)
