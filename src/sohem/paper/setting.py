"""In which setting the runs were made, where it is not the paper's: said wherever their verdicts and numbers stand.

Two things may differ: the scale has small networks, or a data set stands for one of the paper's (``stands_for``).
"""

from typing import NamedTuple

from sohem import params
from sohem.params import Params

# Scale -> its networks and images, beside the paper's.
SMALL = {
    "demo": "These are small networks, trained for minutes on small images",
    "laptop": "These are small networks on small images",
}


class Words(NamedTuple):
    """head: the first words of a banner on top of a page. text: the rest of it. verdicts: one line for verdicts."""

    head: str
    text: str
    verdicts: str


DEMONSTRATION = Words(
    "DEMO.",
    "Small networks, trained for minutes on images that a program drew. The numbers show that the pipeline works from "
    "the images to this page. They say nothing about the paper's data.",
    "Every verdict here is a demonstration. These are small networks trained for minutes on drawn images. The page "
    "shows how verdicts come about; it says nothing about the paper's data, and cannot confirm or refute it.",
)


def words(given: Params) -> Words | None:
    """What the runs are in place of the paper's; None where nothing differs."""
    scale, stand_ins = given["scale"], params.stand_ins(given)
    if scale == "demo" and params.generated(given, given["run"]["datasets"]) and not stand_ins:
        return DEMONSTRATION
    parts = [f"{SMALL[scale]} ({scale} scale); the paper trains VGG16 on large ones."] if scale in SMALL else []
    parts += [_stand_in(given, name, paper) for name, paper in stand_ins.items()]
    if not parts:
        return None
    text = " ".join([*parts, "What is found here need not hold in the paper's setting."])
    return Words("Not the paper's setting.", text, f"No verdict here is about the paper's own setting. {text}")


def mark(given: Params, dataset: str) -> str:
    """A few words beside each verdict on a data set, the demo's aside: "held against VOC12 animals, laptop scale"."""
    parts = [f"held against {given['datasets'][dataset]['title']}"] if dataset in params.stand_ins(given) else []
    return ", ".join(parts + ([f"{given['scale']} scale"] if given["scale"] not in ("demo", "paper") else []))


def _stand_in(given: Params, name: str, paper: str) -> str:
    """How much a data set has of the one that it stands for."""
    own, other = given["datasets"][name], given["datasets"][paper]
    shared, rigid = (
        [label for label in other.get(key, []) if label in own.get(key, [])] for key in ("classes", "rigid")
    )
    extra = len(own["classes"]) - len(shared)
    classes = f"{len(shared)} of its {len(other['classes'])} classes"
    classes += f" ({len(rigid)} of its {len(other['rigid'])} rigid ones)" if rigid else ""
    classes += f" and {extra} more" if extra else ""
    return f"{own['title']} stands for {other['title']}: {classes}, on other images than the paper's."
