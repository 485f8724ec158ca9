"""The processor: what it is and what it can do. "AMD EPYC" alone names CPUs with and without AVX-512."""

import platform
from pathlib import Path
from typing import Any

LISTING = Path("/proc/cpuinfo")
CACHES = Path("/sys/devices/system/cpu/cpu0/cache")
# What decides which way a numerical library goes.
INSTRUCTIONS = ("avx2", "fma", "avx512f")


def name(listing: Path = LISTING) -> str:
    """The name of the processor; of its architecture where the system does not tell more."""
    return _listed(listing).get("model name") or platform.processor() or platform.machine()


def describe(listing: Path = LISTING, caches: Path = CACHES) -> dict[str, Any]:
    """What the first core says of itself; null where the system does not tell.

    Returns:
        vendor, family, model, stepping (the numbers that tell CPUs of one name apart); avx2, fma, avx512f (whether it
        has these instructions); caches: sizes as the system writes them, as {"L1 data": "32K", "L2": "1024K"}.
    """
    listed = _listed(listing)
    flags = listed.get("flags", "").split()
    numbers = {"family": "cpu family", "model": "model", "stepping": "stepping"}
    return {
        "vendor": listed.get("vendor_id"),
        **{key: int(listed[said]) if listed.get(said, "").isdigit() else None for key, said in numbers.items()},
        **{one: one in flags if flags else None for one in INSTRUCTIONS},
        "caches": _caches(caches) or None,
    }


def has(*instructions: str, listing: Path = LISTING) -> bool | None:
    """Whether it has all of these instructions; None where the system does not tell (no Linux, or no x86)."""
    flags = _listed(listing).get("flags", "").split()
    return set(instructions) <= set(flags) if flags else None


def _listed(listing: Path) -> dict[str, str]:
    """The entries of the first core; none where there is no such file."""
    if not listing.is_file():
        return {}
    first = listing.read_text(encoding="utf-8", errors="replace").partition("\n\n")[0]
    pairs = (line.partition(":") for line in first.splitlines())
    found: dict[str, str] = {}
    for key, _, value in pairs:
        found.setdefault(key.strip(), value.strip())
    return found


def _caches(folder: Path) -> dict[str, str]:
    found = {}
    for index in sorted(folder.glob("index*")):
        try:
            level, kind, size = ((index / part).read_text().strip() for part in ("level", "type", "size"))
        except OSError:
            continue
        found[f"L{level}" if kind == "Unified" else f"L{level} {kind.lower()}"] = size
    return found
