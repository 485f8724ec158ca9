"""The data formats by the name that ``datasets.<name>.format`` gives them; each is one module with its ``FORMAT``."""

from sohem.datasets import coco, kitti, voc
from sohem.datasets.annotation import Format

FORMATS: dict[str, Format] = {"voc": voc.FORMAT, "kitti": kitti.FORMAT, "coco": coco.FORMAT}
