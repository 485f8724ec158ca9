"""The order of the files: those that take minutes first, so that no worker is left with one of them at the end."""

from pathlib import Path

LONGEST = ("test_pipeline.py", "test_records.py", "test_training.py", "test_ledger.py", "test_ablation.py")


def pytest_collection_modifyitems(items):
    """``make test`` gives each worker whole files in this order (--dist loadfile --no-loadscope-reorder)."""
    place = {name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(Path(item.path).name, len(place)))
