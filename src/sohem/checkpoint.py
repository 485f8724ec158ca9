"""Checkpoints: one file with everything a run needs to go on, written atomically, read without executing anything."""

import io
import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

import torch

from sohem.checksums import check_zip
from sohem.errors import CheckpointError
from sohem.files import write_bytes
from sohem.writers import again, make

FORMAT = "sohem-checkpoint-1"


def save(path: str | Path, content: dict[str, Any]) -> None:
    """Write ``content`` to ``path``; equal content gives equal bytes whatever the file is called."""
    # Saved to memory first: torch.save(path) would write the file's name into the archive.
    buffer = io.BytesIO()
    torch.save({"format": FORMAT, **content}, buffer)
    write_bytes(path, buffer.getvalue())


def load(path: str | Path, needs: Collection[str], advice: str | None = None) -> dict[str, Any]:
    """Read a checkpoint, to the CPU: what is on its way to a GPU should not be there twice.

    Args:
        needs: the keys that it must hold; a trained detector, a state to resume from and pretrained weights differ.
        advice: what to do about a file that is damaged; by default by its name.

    Raises:
        CheckpointError: missing, damaged (a bit is enough), not written by ``save``, or of another kind.
    """
    try:
        check_zip(Path(path))  # torch.load looks at none of the checksums
        content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise CheckpointError(f"{path}: no such checkpoint; {make(path)}") from None
    except MemoryError:
        raise
    except Exception:  # a damaged archive or pickle raises many unrelated types
        raise CheckpointError(
            f"{path}: cut short, damaged or not a checkpoint of this program (nothing in it was executed); "
            f"{advice or f'{again(path)}, or restore it (dvc checkout)'}"
        ) from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise CheckpointError(f"{path}: not a checkpoint of this program (expected {FORMAT}); {advice or again(path)}")
    if missing := [key for key in needs if key not in content]:
        raise CheckpointError(f"{path}: holds no {', '.join(missing)}: a file of another step; give the right one")
    return content


def check_settings(
    path: str | Path, found: str, wanted: str, seed_found: int, seed: int, advice: str = "train again"
) -> None:
    """Refuse a checkpoint that was trained with other settings.

    Args:
        found, wanted: canonical JSON of the settings stored in the checkpoint, and of this run's.

    Raises:
        CheckpointError: names the keys that differ.
    """
    differences = _differences(json.loads(found), json.loads(wanted), "")
    if seed_found != seed:
        differences.append(f"seed: trained with {seed_found}, wanted {seed}")
    if differences:
        raise CheckpointError(f"{path}: trained with other settings; {advice}.\n  " + "\n  ".join(differences))


def _differences(found: Any, wanted: Any, key: str) -> list[str]:
    if isinstance(found, dict) and isinstance(wanted, dict):
        names = sorted(found.keys() | wanted.keys())
        return [line for n in names for line in _differences(found.get(n), wanted.get(n), f"{key}.{n}" if key else n)]
    return [] if found == wanted else [f"{key}: trained with {json.dumps(found)}, wanted {json.dumps(wanted)}"]
