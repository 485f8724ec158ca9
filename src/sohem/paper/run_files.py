"""The files of a run that figures, tables and sheets are made from, below results/<name>."""

from sohem.datasets.annotation import BOX
from sohem.evaluation.average_precision import DETECTION_COLUMNS, GROUND_TRUTH_COLUMNS
from sohem.paper.kind import Source

IMAGES = Source("data/{dataset}/images.parquet", ("image_id", "file", "width", "height", "subset"), "split")
GROUND_TRUTH = Source("data/{dataset}/ground_truth.parquet", tuple(GROUND_TRUTH_COLUMNS), "split")
LOG = Source("runs/{dataset}/{method}/seed{seed}/log.parquet", ("iteration",), "train")
AP = Source("runs/{dataset}/{method}/seed{seed}/ap.csv", ("class", "iou", "ap_11point", "ap_area"), "evaluate")
INTERVAL_FILE = "paper/statistics/{dataset}/interval_{method}.csv"
INTERVAL = Source(INTERVAL_FILE, ("scope", "kind", "iou", "ap", "low", "high"), "interval")
DIFFERENCE_FILE = "paper/statistics/{dataset}/difference_{first}_{method}.csv"
DIFFERENCE = Source(DIFFERENCE_FILE, ("scope", "kind", "iou", "difference", "low", "high"), "difference")
# Sheets show the first seed alone.
DETECTIONS = Source("runs/{dataset}/{method}/seed{one_seed}/detections.parquet", tuple(DETECTION_COLUMNS), "detect")
MINED = Source(
    "runs/{dataset}/{method}/seed{one_seed}/mined.parquet",
    ("iteration", "beta", "image_id", "foreground", "stratum", "selected", *BOX),
    "train",
)
