"""Stands in for the command line `sohem` where a test is about which steps run, not about what they compute.

Every output is a pure function of the parameters and input files that the step was given, so that a result that was
not made again when it had to be shows. Each call is noted, one line, in the file that STANDIN_CALLS names.
"""

import base64
import hashlib
import json
import os
import sys
from pathlib import Path

OUTPUTS = {
    "fetch": ["out"],
    "split": ["split", "images", "ground-truth"],
    "pretrain": ["out", "report"],
    "propose": ["out"],
    "merge-proposals": ["out", "recall"],
    "train": ["checkpoint", "log", "mined", "rois", "provenance"],
    "detect": ["out", "provenance"],
    "evaluate": ["metrics", "per-class", "curve"],
    "difference": ["out"],
    "interval": ["out"],
    "overlap": ["out"],
    "power": ["out"],
}
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def main(step, *words):
    options, rest = {}, []
    waiting = list(words)
    while waiting:
        word = waiting.pop(0)
        if word.startswith("--"):
            options[word[2:]] = waiting.pop(0)
        else:
            rest.append(word)
    names = [options[name] for name in ("dataset", "method", "artifact", "table", "chunk") if name in options]
    with Path(os.environ["STANDIN_CALLS"]).open("a") as calls:
        calls.write(" ".join([step, *names]) + "\n")

    given = json.loads(options.get("params", "{}"))
    digest = hashlib.sha256(" ".join([step, *names, options.get("params", ""), options.get("seed", "")]).encode())
    outputs = {name: Path(options[name]) for name in OUTPUTS.get(step, [])}
    for name, value in options.items():
        if name not in outputs and name != "state" and Path(value[:200]).is_file():
            digest.update(Path(value).read_bytes())
    for value in rest:
        digest.update(Path(value.split("=")[-1]).read_bytes())
    if step == "artifact":
        form = given["artifacts"][options["artifact"]]["kind"].rpartition("_")[2]
        read = ["detections.parquet", "mined.parquet"] if form == "sheet" else ["ap.csv", "log.parquet"]
        results, out = Path(options["results"]), Path(options["out"])
        for path in sorted(results.glob("runs/*/*/seed*/*")):
            digest.update(path.read_bytes() if path.name in read else b"")
        for path in sorted(results.glob("paper/statistics/*/[dio]*.csv")) if form != "sheet" else []:
            digest.update(path.read_bytes())
        endings = {"figure": ["svg"], "table": ["csv", "md", "tex"], "sheet": ["png"]}[form]
        outputs = {ending: Path(f"{out}.{ending}") for ending in [*endings, "provenance.json"]}
        if form == "figure":
            outputs["png"] = out.parent / "png" / f"{out.name}.png"
    if step == "overlap":
        for method in given["run"]["methods"]:
            for path in sorted(Path(options["results"]).glob(f"runs/{options['dataset']}/{method}/seed*/*")):
                digest.update(path.read_bytes() if path.name in ("rois.parquet", "log.parquet") else b"")
    if step == "claims":
        for path in sorted(Path(options["results"]).glob("paper/statistics/*/[do][iv]*.csv")):
            digest.update(path.read_bytes())
        for path in sorted(Path(options["results"]).glob("runs/*/*/seed*/*.[cp][sa]*")):
            digest.update(path.read_bytes() if path.name in ("ap.csv", "log.parquet") else b"")
        outputs = {suffix: Path(f"{options['out']}.{suffix}") for suffix in ("json", "md", "provenance.json")}
    if step == "report":
        for path in sorted(Path(options["results"]).rglob("*")):
            digest.update(path.read_bytes() if path.is_file() and not path.name.startswith("report.") else b"")
        outputs = {suffix: Path(options["out"]).with_suffix(f".{suffix}") for suffix in ("html", "provenance.json")}
    if step == "published":
        outputs = {suffix: Path(f"{options['out']}.{suffix}") for suffix in ("csv", "md", "tex")}
    if step == "fetch":
        Path(given["datasets"][options["dataset"]][given["scale"]]["root"]).mkdir(parents=True, exist_ok=True)

    text = digest.hexdigest()
    points = int(text[:4], 16) / 65536 * 100
    for name, path in outputs.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        if name == "metrics":
            path.write_text(json.dumps({f"mAP@{iou}": round(points, 2) for iou in given["evaluation"]["ious"]}))
        elif name == "curve":
            rows = [f"{kind},{iou},{points / 100}\n" for kind in "ab" for iou in given["evaluation"]["curve"]]
            path.write_text("class,iou,ap_11point\n" + "".join(rows))
        elif path.suffix == ".png":
            path.write_bytes(PIXEL + text.encode())
        elif path.suffix == ".json":
            path.write_text(json.dumps({"of": text}))
        else:
            path.write_text(f"{name}\n{text}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
