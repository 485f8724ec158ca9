"""The numbers that the S-OHEM paper prints (Li et al. 2017, Tables 2 to 4), transcribed once into CSV.

The cells are kept as text, exactly as printed ("0", not "0.0"). Table 4(b) prints the two non-rigid cells at IoU 0.5
the wrong way round (68.8 and 67.7; Table 3 gives 67.7 and 68.8); they stay as printed.
"""

from importlib import resources

import pandas as pd

SOURCE = "published in Li et al. 2017"

# File -> what the paper calls the table.
TITLES = {"table2": "Table 2", "table3": "Table 3", "table4a": "Table 4(a)", "table4b": "Table 4(b)"}

# File -> what the paper says about it.
CAPTIONS = {
    "table2": "VOC 2007 test detection average precision (%)",
    "table3": "KITTI 2012 test detection average precision (%)",
    "table4a": "Mean average precision (%) of rigid and non-rigid categories, VOC 2007 test",
    "table4b": "Mean average precision (%) of rigid and non-rigid categories, KITTI 2012 test",
}


def read(name: str) -> pd.DataFrame:
    """A published table, every cell as printed: method, IoU, then its columns in the paper's order.

    Raises:
        KeyError: the paper has no such table.
    """
    if name not in TITLES:
        raise KeyError(name)
    with resources.files(__package__).joinpath("published", f"{name}.csv").open(encoding="utf-8") as file:
        return pd.read_csv(file, dtype="str")
