"""Write the source files that each stage depends on into dvc.yaml, as `make ledger` does after a change of imports.

Snakemake works them out by itself each time (sohem.sources); DVC wants them listed. Everything else in dvc.yaml is
written by hand. tests/test_ledger.py tells when this is due.
"""

import re
from pathlib import Path

from sohem import sources

# Rules that are not named as the step they call.
STEPS = {"figure": "artifact", "table": "artifact", "report_page": "report"}


def updated(text: str) -> str:
    """The text of dvc.yaml with the lists of source files as they should be."""
    head, *stages = re.split(r"(?m)^(?=  \w+:)", text[text.index("\nstages:\n") :])
    return text[: text.index("\nstages:\n")] + head + "".join(map(_stage, stages))


def _stage(text: str) -> str:
    """One stage: its block of module lines replaced by the modules of the rules that it allows."""
    rules = re.search(r"\$\{sm\} ([\w ]+?) --", text)[1].split()
    # A change of the generated images reaches all other stages through split.json, which holds their checksum.
    steps = [STEPS.get(rule, rule) for rule in rules if rule != "fetch" or "split" in rules]
    lines = "".join(f"      - {file}\n" for file in sources.of_steps(*steps))
    return re.sub(r"(?m)(^      - src/.*\.py\n)+", lines, text, count=1)


if __name__ == "__main__":
    ledger = Path("dvc.yaml")
    ledger.write_text(updated(ledger.read_text(encoding="utf-8")), encoding="utf-8")
