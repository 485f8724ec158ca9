"""The strata's colours and names, the same in every picture: Okabe and Ito's, which the colour-blind can tell."""

from typing import NamedTuple


class Look(NamedTuple):
    """How a stratum is shown: its name, what it holds (paper 3.2), and its colour."""

    name: str
    holds: str
    colour: str

    @property
    def rgb(self) -> tuple[int, int, int]:
        """The colour as three numbers up to 255."""
        red, green, blue = bytes.fromhex(self.colour[1:])
        return red, green, blue


STRATA = {
    1: Look("s1", "both losses high", "#D55E00"),
    2: Look("s2", "classification loss high", "#0072B2"),
    3: Look("s3", "localisation loss high", "#CC79A7"),
    4: Look("s4", "both low", "#E69F00"),
}
