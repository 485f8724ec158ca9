"""What messages say about where a file comes from is what the workflow does."""

import re

from clones import ROOT
from sohem import writers

RULES = "".join(path.read_text() for path in sorted((ROOT / "workflow" / "rules").glob("*.smk")))


def test_the_steps_of_the_messages_are_those_of_the_rules():
    found = {}
    for rule in re.split(r"(?m)^rule ", RULES)[1:]:
        step = re.search(r'"sohem ([\w-]+)', rule)
        output = re.search(r"(?s)\n    output:(.*?)\n    \w+:", rule)
        for name in re.findall(r"f\"\{\w+\}/([^\"]+)\"", output[1] if step and output else ""):
            found[re.sub(r"\{\{.*?\}\}", "x", name).rpartition("/")[2]] = step[1]
    found = {name: step for name, step in found.items() if name.rpartition(".")[2] in ("parquet", "json", "pt", "csv")}
    del found["x.csv"]  # an artifact's or the paper's: of no name of its own
    assert {name: writers.step(f"somewhere/{name}") for name in found} == found
    assert set(writers.WRITTEN_BY) <= set(found.values())
    assert len(found) > 15


def test_a_file_of_another_name_is_named_all_the_same():
    assert writers.step("mine.parquet") is None
    assert writers.again("mine.parquet") == "delete it and make it again"
    assert writers.make("mine.parquet") == "run the step that makes it"
