"""Where the results of a run lie below results/<name>, and the tables there that artifacts are made of."""

from sohem.datasets.annotation import BOX
from sohem.evaluation.average_precision import DETECTION_COLUMNS, GROUND_TRUTH_COLUMNS
from sohem.paper.kind import Source

DATA = "data/{dataset}"
RUN = "runs/{dataset}/{method}/seed{seed}"
STATISTICS = "paper/statistics/{dataset}"
INTERVAL_FILE = f"{STATISTICS}/interval_{{method}}.csv"
DIFFERENCE_FILE = f"{STATISTICS}/difference_{{first}}_{{method}}.csv"
OVERLAP_FILE = f"{STATISTICS}/overlap.csv"
POWER_FILE = f"{STATISTICS}/power.csv"
ONE_SEED = RUN.replace("{seed}", "{one_seed}")  # sheets show the first seed alone

IMAGES = Source(f"{DATA}/images.parquet", ("image_id", "file", "width", "height", "subset"), "split")
GROUND_TRUTH = Source(f"{DATA}/ground_truth.parquet", tuple(GROUND_TRUTH_COLUMNS), "split")
LOG = Source(f"{RUN}/log.parquet", ("iteration",), "train")
AP = Source(f"{RUN}/ap.csv", ("class", "iou", "ap_11point", "ap_area"), "evaluate")
INTERVAL = Source(INTERVAL_FILE, ("scope", "kind", "iou", "ap", "low", "high"), "interval")
DIFFERENCE = Source(DIFFERENCE_FILE, ("scope", "kind", "iou", "difference", "low", "high"), "difference")
OVERLAP = Source(OVERLAP_FILE, ("method", "seed", "other", "iteration", "taken", "taken_other", "shared",
                                "cls_own", "loc_own", "cls_other", "loc_other"), "overlap")  # fmt: skip
DETECTIONS = Source(f"{ONE_SEED}/detections.parquet", tuple(DETECTION_COLUMNS), "detect")
MINED = Source(
    f"{ONE_SEED}/mined.parquet",
    ("iteration", "beta", "image_id", "foreground", "stratum", "selected", *BOX),
    "train",
)
