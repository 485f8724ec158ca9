"""Training images with their ground truth: every class appears, difficult boxes are dashed, ignored regions hatched.

One look tells whether the data were read right.
"""

from sohem.paper import sheets
from sohem.paper.kind import Artifact, Files, Inputs, Kind
from sohem.paper.run_files import GROUND_TRUTH, IMAGES
from sohem.paper.sheet_cells import cell_scale, choose, class_colours, layout, rows, truth_cell


def caption(artifact: Artifact) -> str:
    return f"Images of {artifact.datasets[artifact.dataset]} with their ground-truth boxes."


def key(artifact: Artifact, regions: bool) -> str:
    """What the outlines mean; ``regions``: whether the data set has ignore regions."""
    labels = artifact.ignored(artifact.dataset)
    words = ["dashed: difficult"] + ["hatched: to be ignored"] * regions
    return "; ".join(words + [f"labels to be ignored: {', '.join(labels)}"] * bool(regions and labels))


def draw(artifact: Artifact, inputs: Inputs) -> Files:
    dataset, classes = artifact.dataset, artifact.classes(artifact.dataset)
    images, truth = inputs.one("images", dataset), inputs.one("ground_truth", dataset)
    train, shape = images[images["subset"] == "train"], layout(images)
    colours, cells = class_colours(classes), []
    for image_id, file, width, height in rows(train, choose(train, truth, classes, shape.images)):
        scale = cell_scale(width, height, shape.side)
        here = truth[truth["image_id"] == image_id]
        cells.append(truth_cell(inputs.image(dataset, file), here, colours, scale))
    sheet = sheets.page(
        cells,
        shape.columns,
        f"{artifact.datasets[dataset]}: {len(cells)} of {len(train)} training images with their ground truth",
        artifact.notice,
        key(artifact, bool(truth["ignore"].any())),
    )
    return {"png": sheets.to_png(sheet)}


KIND = Kind(
    title="images and ground truth",
    caption=caption,
    draw=draw,
    sources={"images": IMAGES, "ground_truth": GROUND_TRUTH},
    reads=("datasets.{datasets}.classes", "datasets.{datasets}.ignore"),
    one=True,
    rank=4,
)
