"""How many images a second come from the cache of resized images, without any training, at the paper's size.

Writes 200 noise images of 600 x 1000 with 2000 boxes each, caches them, and reads them as training does: in random
order, half of them mirrored, with their boxes scaled. In this process, and with worker processes that read ahead.

    python benchmarks/loading.py [--workers 2]
"""

import argparse
import tempfile
import time
from pathlib import Path

import torch

from iteration import CLASSES, ROOT, make
from sohem import params, settings
from sohem.training import loop
from sohem.training.loader import ahead
from sohem.training.samples import SampleReader

IMAGES, WARM_UP, BATCHES = 200, 10, 500


def main() -> None:
    """Print one row for each way of reading."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, default=2, help="worker processes of the second row (default: 2)")
    workers = parser.parse_args().workers
    torch.set_num_threads(1)
    train = settings.of(settings.Train, params.load(ROOT / "params.yaml")["scales"]["paper"]["train"])
    with tempfile.TemporaryDirectory() as folder:
        images, objects, proposals = make(Path(folder), IMAGES, 600, 1000, 2000)
        at = settings.Images(root=folder, short_side=600, long_side=1000)
        reader = SampleReader(at, images, "train", CLASSES, objects, proposals, Path(folder) / "cache")
        print("| workers | images/s |\n| --: | --: |")
        for count in (0, workers):
            batches = ahead(
                lambda k: loop.load_batch(reader, train, 0, k), range(WARM_UP + BATCHES), count, torch.device("cpu")
            )
            for _ in range(WARM_UP):
                next(batches)
            started = time.perf_counter()
            read = sum(len(samples) for samples in batches)
            print(f"| {count} | {read / (time.perf_counter() - started):.0f} |", flush=True)


if __name__ == "__main__":
    main()
