"""What becomes of a file in which one bit is wrong, and what it costs to find out.

Every table, checkpoint, state and JSON file below a folder is read as a step reads it, with one bit flipped at random,
again and again. The reader may refuse it with a message, or give the same values as before; anything else is counted.
Only copies are changed.

  python benchmarks/bit_flips.py work results/demo --flips 1000
  python benchmarks/bit_flips.py --times
"""

import argparse
import collections
import io
import random
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from sohem import checkpoint, checksums, files
from sohem.errors import SohemError

READERS: dict[str, Callable[[Path], Any]] = {
    ".parquet": files.read_table,
    ".pt": lambda path: checkpoint.load(path, []),
    ".json": files.read_json,
    ".csv": files.read_csv,
}


def main() -> None:
    """Print a table of counts, or of times."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path, help="where the files lie")
    parser.add_argument("--flips", type=int, default=1000, help="in all (default: 1000), shared among the files")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--times", action="store_true", help="of a table of 20 MB and a checkpoint of 100 MB")
    args = parser.parse_args()
    if args.times:
        times()
        return
    found = sorted(path for folder in args.folders for path in folder.rglob("*") if path.suffix in READERS)
    draw = random.Random(args.seed)
    counts: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    for k in range(args.flips):
        path = found[k % len(found)]
        outcome = flipped(path, draw.randrange(8 * path.stat().st_size))
        counts[path.suffix][outcome] += 1
        if outcome not in ("refused", "same values"):
            print(f"{path}: {outcome}")
    print(pd.DataFrame(counts).T.fillna(0).astype(int).to_string())


def flipped(path: Path, bit: int) -> str:
    """What the reader makes of a copy of the file with this bit changed."""
    data = bytearray(path.read_bytes())
    data[bit // 8] ^= 1 << bit % 8
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(action="ignore"):
        copy = Path(folder) / path.name
        copy.write_bytes(data)
        try:
            found = READERS[path.suffix](copy)
        except SohemError:
            return "refused"
        except Exception as error:  # what a user would see as a traceback
            return f"uncaught {type(error).__name__}"
    return "same values" if same(found, READERS[path.suffix](path)) else "OTHER VALUES"


def same(a: Any, b: Any) -> bool:
    """Whether two contents of files are equal to the bit, NaN included."""
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, torch.Tensor):
        return a.dtype == b.dtype and a.shape == b.shape and a.numpy().tobytes() == b.numpy().tobytes()
    if isinstance(a, pd.DataFrame):
        return a.dtypes.equals(b.dtypes) and a.equals(b)
    return a == b or a != a


def times() -> None:
    """What the checks take of a core, beside all that reading takes."""
    draw = np.random.default_rng(0)
    rows = 1_250_000
    boxes = dict(zip(("score", "x1", "y1", "x2", "y2"), draw.random((5, rows), np.float32), strict=True))
    table = pd.DataFrame({"image_id": draw.integers(0, 5000, rows).astype(str), "class": "car", **boxes})
    buffer = io.BytesIO()
    table.to_parquet(buffer, index=False, compression="zstd")
    with tempfile.TemporaryDirectory() as folder:
        data, weights = Path(folder) / "detections.parquet", Path(folder) / "checkpoint.pt"
        files.write_table(data, table)
        checkpoint.save(weights, {"model": {"fc6": torch.from_numpy(draw.random(25_000_000, np.float32))}})
        sealed = data.read_bytes()
        shown = {
            f"table, {len(sealed) / 1e6:.0f} MB: checksum made": lambda: checksums.seal_parquet(buffer.getvalue()),
            "table: checked": lambda: checksums.check_parquet(sealed),
            "table read, check included": lambda: files.read_table(data),
            f"checkpoint, {weights.stat().st_size / 1e6:.0f} MB: checked": lambda: checksums.check_zip(weights),
            "checkpoint read, check included": lambda: checkpoint.load(weights, ["model"]),
        }
        for name, act in shown.items():
            taken = []
            for _ in range(5):
                begun = time.process_time()
                act()
                taken.append(time.process_time() - begun)
            print(f"{name:35} {1000 * min(taken):8.1f} ms (least of 5)")


if __name__ == "__main__":
    main()
