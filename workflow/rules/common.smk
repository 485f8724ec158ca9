"""Names, paths, and what each step depends on: its part of the parameters and what its code says."""

import functools
import sys
from pathlib import Path

from snakemake.utils import update_config

from sohem import artifacts, notation, params, schema, sources
from sohem.datasets import record
from sohem.errors import SohemError
from sohem.paper import claims_file, run_files
from sohem.report import plan


def stop(error):
    """End with one message and exit status 2, as the command line does for a mistake of the user's."""
    print(f"sohem: error: {error}", file=sys.stderr)
    sys.exit(2)


try:
    # Before Snakemake reads it, whose own message does not say where a YAML mistake is. The files of --configfile it has
    # read by now; they are read again for what it lets pass: a key written twice, 010, .nan.
    PLAIN = params.load("params.yaml")
    for file in workflow.overwrite_configfiles:
        notation.read(file)
except SohemError as error:
    stop(error)


configfile: "params.yaml"


if "name" in PLAIN["run"]:
    stop("params.yaml: run.name: not here, but in a file for --configfile; DVC keeps these results under their scale")
try:
    for word in workflow.config_settings.config_args:
        update_config(config, params.of_config(word))
    if repr(config) != repr(PLAIN):  # their text, since 600.0 equals 600
        schema.validate(config, "params.yaml with --configfile or --config")
    artifacts.check(config, "params.yaml")
    CLAIMS, _ = claims_file.held_against(claims_file.load("claims.yaml"), config)
except SohemError as error:
    stop(error)

SCALE = config["scale"]
SETTINGS = params.at_scale(config)
DATASETS = config["run"]["datasets"]
METHODS = config["run"]["methods"]
SEEDS = config["run"]["seeds"]

FIGURES, TABLES, SHEETS = (artifacts.of_form(config, form) for form in ("figure", "table", "sheet"))
PRINTED = "src/sohem/paper/published"  # the numbers that the paper printed
MEASURED = "src/sohem/paper/measured"  # what was measured once, beside them
PUBLISHED = [name for name in TABLES if Path(f"{PRINTED}/{name}.csv").exists()]

# Claims are judged where a data set is run that they are about; for others they would all be inconclusive.
CLAIMED = [name for name in claims_file.datasets(CLAIMS) if name in DATASETS]

NAME = config["run"].get("name", SCALE)  # a run laid over params.yaml may have results of its own
SHARED = f"results/{SCALE}"  # what all runs of a scale start from
RES = f"results/{NAME}"
DATA = f"{RES}/{run_files.DATA}"
RUN = f"{RES}/{run_files.RUN}"
PAPER = f"{RES}/paper"  # what is made from all runs
STATISTICS = f"{RES}/{run_files.STATISTICS}"
LOG = f"logs/{NAME}"  # logs, and benchmarks beside them


wildcard_constraints:
    dataset="|".join(name for name, entry in config["datasets"].items() if SCALE in entry),
    method="|".join(config["methods"]),
    first="|".join(config["methods"]),
    second="|".join(config["methods"]),
    seed=r"\d+",
    chunk=r"\d+",
    table="|".join(PUBLISHED) or "(?!)",

# Each job starts Snakemake anew: so it is worked out for the steps that are asked for, not for all.
fingerprint = functools.cache(sources.fingerprint)


def code(step):
    """What the code of a step says. Among a rule's params, so that a change runs the step again."""
    return lambda wildcards: fingerprint(step)


def cfg(step, *names):
    """The part of the parameters that a step depends on, as one sorted JSON string.

    One string, because Snakemake compares a rule's params as a set of values: with single numbers it would not see
    that two of them were swapped.
    """
    return lambda wildcards: params.dumps(params.select(config, step, **{n: wildcards[n] for n in names}))


def generated(dataset):
    """Whether the images of a data set are drawn by this program (then they can be drawn again)."""
    return params.generated(config, [dataset])


def fetch_code(wildcards):
    """Generated images depend on the generator; a check of real files need not be made again when its code changes."""
    return fingerprint("fetch") if generated(wildcards.dataset) else ""


def searched(dataset):
    """Whether the proposals of a data set are searched for in its images: its detector makes none."""
    return config["datasets"][dataset]["detector"] == "fast_rcnn"


def proposals_option(wildcards, input):
    """The option that names the proposals, for a detector that takes them."""
    return f"--proposals {input.proposals}" if searched(wildcards.dataset) else ""


def chunks(wildcards):
    """The chunks that selective search is done in; none if the user has its boxes in published files."""
    if published_boxes(wildcards) or not searched(wildcards.dataset):
        return []
    numbers = range(1, SETTINGS["selective_search"]["chunks"] + 1)
    return expand(rules.propose.output, dataset=wildcards.dataset, chunk=numbers)


def published_boxes(wildcards):
    """The .mat files that the user named for the proposals of a data set."""
    files = params.dataset_at_scale(config, wildcards.dataset).get("proposals") or []
    return [existing(file, f"datasets.{wildcards.dataset}.{SCALE}.proposals", "selective search") for file in files]


def published_weights(wildcards):
    """The file of the backbone's weights that the user named; without one, pretrain downloads them."""
    file = SETTINGS["pretrain"].get("file")
    return [existing(file, f"scales.{SCALE}.pretrain.file", "the published weights, downloaded")] if file else []


def existing(file, key, without):
    """A file that the user named; ends with a message if it is not there. ``without``: what is used in its place."""
    if not Path(file).is_file():
        stop(f"{key}: {file}: no such file. Put it there, or set the key to null for {without}")
    return file


def artifact_cfg(wildcards):
    """The part of the parameters that a figure, table or sheet depends on."""
    return params.dumps(artifacts.part(config, wildcards.artifact))


def artifact_inputs(wildcards):
    """What a figure, table or sheet is made from."""
    return [f"{RES}/{name}" for name in artifacts.inputs(config, wildcards.artifact)]


def artifact_images(wildcards):
    """What stands for the images that a sheet shows: that they are there, and that they are these."""
    names = list(artifacts.artifact(config, wildcards.artifact).datasets)
    return expand([rules.fetch.output.manifest, rules.split.output.split], dataset=names)


def artifact_caption(wildcards):
    """What Snakemake's report says below it."""
    artifact = artifacts.artifact(config, wildcards.artifact)
    return artifact.kind.caption(artifact)


def evidence(wildcards):
    """What the claims are held against: logs, measured precision, differences and overlap of the runs they name."""
    methods = [name for name in claims_file.methods(CLAIMS) if name in METHODS]
    names = ("log.parquet", "ap.csv")
    files = expand(f"{RUN}/{{name}}", dataset=CLAIMED, method=methods, seed=SEEDS, name=names)
    files += expand(rules.split.output.split, dataset=CLAIMED)
    first, second = CLAIMS["methods"]
    if {first, second} <= set(METHODS):
        files += expand(rules.difference.output.csv, dataset=CLAIMED, first=first, second=second)
    if second in METHODS:
        files += expand(rules.overlap.output.csv, dataset=CLAIMED)
    return files


def power_files():
    """How small a difference the runs can show, where the paper prints the same differences."""
    return expand(rules.power.output.csv, dataset=CLAIMED) if set(CLAIMS["methods"]) <= set(METHODS) else []


def report_results(wildcards):
    """The results that the report shows."""
    return expand(f"{RES}/{{name}}", name=plan.files(config, claimed=bool(CLAIMED))) + power_files()


def paper_files():
    """Everything that is made from all runs: one file of each result, its others beside it."""
    files = [f"{RES}/{artifacts.files(name, spec['kind'])[0]}" for name, spec in artifacts.artifacts(config).items()]
    files += [f"{PAPER}/published/{name}.csv" for name in PUBLISHED]
    files += [f"{PAPER}/claims.json"] if CLAIMED else []
    files += power_files()
    files += expand(rules.interval.output.csv, dataset=DATASETS, method=METHODS)
    files += expand(rules.overlap.output.csv, dataset=DATASETS)
    return files + expand(rules.difference.output.csv, dataset=DATASETS, first=METHODS[0], second=METHODS[1:])


def ablation_files(wildcards):
    """The tables and figures of the ablation; ends with a message if the run has no more methods than it shows."""
    made = artifacts.artifacts(config).items()
    files = [f"{RES}/{artifacts.files(name, spec['kind'])[0]}" for name, spec in made if "ablation" in spec["kind"]]
    if not files:
        stop(
            "run.methods: lists nothing beside the methods that the paper shows, so there is no ablation; "
            "params.yaml has its list of methods, and run.shown, as comments to put in"
        )
    return files


def no_foreign_results(wildcards):
    """No file; ends with a message if the folders that DVC takes as a whole hold results that nothing here makes."""
    known = set(expand([DATA, RUN], dataset=DATASETS, method=METHODS, seed=SEEDS))  # folders; of the paper, names
    known |= {file.partition(".")[0] for file in paper_files()}
    foreign = set()
    for file in (path for part in ("data", "runs", "paper") for path in Path(RES, part).rglob("[!.]*")):
        name = file.as_posix().partition(".")[0].replace("paper/png/", "paper/")
        place = name if file.is_relative_to(PAPER) else file.parent.as_posix()
        if file.is_file() and place not in known:
            foreign.add(place)
    if foreign:
        stop(
            f"{', '.join(sorted(foreign))}: of data sets, methods, seeds or artifacts that params.yaml does not list "
            "(any more). DVC takes these folders as a whole: delete what is listed here, or list it there again"
        )
    return []


def published(wildcards):
    """The paper's own numbers, which a table of the paper shows below ours."""
    return [f"{PRINTED}/{wildcards.artifact}.csv"] if wildcards.artifact in PUBLISHED else []


def gpu():
    """How many GPUs a job on the network holds; the profile says how many there are."""
    return 1 if SETTINGS["device"] == "cuda" else 0


for name in DATASETS:
    here, manifest = params.dataset_at_scale(config, name), Path(f"data/{SCALE}/{name}.json")
    root = Path(here["root"])
    if not root.is_dir():
        # The manifest of a tree that was deleted says nothing: without it, fetch runs again when images are needed.
        if "miniature" in here or "archives" in here:
            manifest.unlink(missing_ok=True)
    elif manifest.exists() and not generated(name) and not record.untouched(record.path_of(manifest), root):
        # A real file has another size or time of change than fetch recorded. If its contents are others too, so is
        # the manifest, and Snakemake sees that what depends on it is out of date.
        from sohem.commands import fetch

        try:
            fetch.look(config, name, manifest)
        except SohemError as error:
            stop(error)
