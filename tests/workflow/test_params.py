import copy
import math
from pathlib import Path

import pytest
import yaml

from sohem import artifacts, params, schema
from sohem.cli import main
from sohem.datasets.annotation import label_of
from sohem.errors import ParamsError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def given():
    return yaml.safe_load((ROOT / "params.yaml").read_text())


def test_the_shipped_parameters_are_valid_at_both_scales(given):
    for scale in ("demo", "paper"):
        schema.validate({**given, "scale": scale})


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("scale", "dmo", 'scale: "dmo" is not allowed; expected one of demo, laptop, paper'),
        (
            "scales.demo.train.lr",
            "fast",
            'scales.demo.train.lr: "fast" is not allowed; expected a value of type number',
        ),
        ("scales.demo.train.lr", 0, "scales.demo.train.lr: 0 is not allowed; expected a number above 0"),
        ("scales.demo.train.wramup", 5, "scales.demo.train.wramup: unknown key, did you mean warmup?"),
        ("methods.sohem.beta.measured", "after", "expected one of before, window, running"),
        ("methods.sohem.beta", -1, "methods.sohem.beta: -1 is not allowed; expected a number of at least 0"),
        ("methods.sohem.alpha.traget", 1, "methods.sohem.alpha.traget: unknown key, did you mean target?"),
        ("methods.strata.losses", ["cls"], "methods.strata.losses"),
        ("methods.sohem.beta.start", 0.9, "methods.sohem.beta.start: 0.9 lies after end (0.75)"),
        ("methods.sohem.beta.windows", 0, "beta.windows: 0 is not allowed; expected a number of at least 1"),
        ("methods.ohem.alpha", 1, "methods.ohem.alpha: unknown key"),
        ("datasets.voc.rigid", ["cart"], 'datasets.voc.rigid: "cart" is not defined; expected one of aeroplane'),
        (
            "datasets.kitti.ignore",
            ["DontCare", "Person_sitting"],
            'datasets.kitti.ignore: "Person_sitting" is also a label of class person; take it off this list or out of '
            "datasets.kitti.classes",
        ),
        ("datasets.voc.ignore", ["dog"], 'datasets.voc.ignore: "dog" is also a label of class dog'),
        ("datasets.voc.ignore", "dog", 'datasets.voc.ignore: "dog" is not allowed; expected a value of type array'),
        ("datasets.voc.beta_target", "big", "expected a number of at least 0, or ratio"),
        ("run.name", "My run", 'run.name: "My run" is not allowed; expected lower-case letters and digits'),
        ("run.name", "paper", 'run.name: "paper" is not allowed; expected a name that is none of demo, laptop, paper'),
        ("run.methods", ["hoem"], 'run.methods: "hoem" is not defined; expected one of ohem, sohem'),
        ("evaluation.ious", [0.5, 1.5], "evaluation.ious.1: 1.5 is not allowed; expected a number below 1"),
        ("scales.demo.train.iterations", 12.0, "iterations: 12.0 is not allowed; expected a value of type integer"),
        ("run.seeds", [0, 1.0], "run.seeds.1: 1.0 is not allowed; expected a value of type integer"),
        ("scales.demo.test.score", math.nan, "scales.demo.test.score: nan is no finite number; write a number"),
        ("scales.demo.train.lr", math.inf, "scales.demo.train.lr: inf is no finite number; write a number"),
        (
            "datasets.voc.title",
            "VOC\0",
            'datasets.voc.title: "VOC\\u0000" holds the control character U+0000; take it out',
        ),
        ("datasets.voc.classes", ["dog", ""], "datasets.voc.classes"),
        (
            "datasets.kitti.classes.van",
            ["Van", "Car"],
            'datasets.kitti.classes: "Car" is a label of car and of van; take it out of one of them',
        ),
    ],
)
def test_a_mistake_is_named_with_key_value_and_what_is_allowed(given, path, value, message):
    *parents, last = path.split(".")
    place = given
    for name in parents:
        place = place[name]
    place[last] = value
    with pytest.raises(ParamsError) as caught:
        schema.validate(given)
    assert message in str(caught.value)


def test_windows_that_leave_no_iteration_are_refused_where_the_slope_is_looked_at(given):
    beta = given["methods"]["sohem"]["beta"]
    beta["window"] = 0.1
    schema.validate(given)
    beta["stable"] = "slope"
    with pytest.raises(ParamsError, match=r"sohem\.beta\.windows: 5 and as many before them, each 0\.1 of the"):
        schema.validate(given)


def test_the_command_line_shows_the_mistake_without_a_traceback(given, tmp_path, capsys):
    given["scale"] = "huge"
    file = tmp_path / "p.yaml"
    file.write_text(yaml.safe_dump(given))
    assert main(["evaluate", "--params", str(file), *(f"--{a}=x" for a in EVALUATE)]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"sohem: error: {file}: scale:")
    assert "Traceback" not in error


def test_a_message_is_short_however_long_the_values_and_however_many_mistakes(given):
    given["datasets"]["voc"]["classes"] = {"x" * 3000: ["y" * 3000] * 2}
    given["methods"] |= {f"M{i}": {} for i in range(300)}
    with pytest.raises(ParamsError, match=r"params.yaml: \d+ more mistakes$") as caught:
        schema.validate(given)
    assert len(str(caught.value).encode()) < 2000


EVALUATE = ["dataset", "images", "ground-truth", "detections", "metrics", "per-class", "curve"]


def test_a_missing_or_broken_file_is_named(tmp_path):
    with pytest.raises(ParamsError, match=r"nowhere\.yaml"):
        params.load(tmp_path / "nowhere.yaml")
    (tmp_path / "broken.yaml").write_text("a: [1, 2")
    with pytest.raises(ParamsError, match=r"broken.yaml: not YAML"):
        params.load(tmp_path / "broken.yaml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "--params: not JSON"),
        ("{}", "--params: scale: missing; this key is required"),
        ('{"scale": "demo", "scale": "paper"}', "--params: scale: written twice; keep one"),
        ('{"scale": "demo", "run": {"seeds": [1.0]}}', "--params: run.seeds.0: 1.0 is not allowed"),
        ('{"scale": "demo", "evaluation": {"ious": [NaN]}}', "--params: evaluation.ious.0: nan is no finite number"),
        (
            '{"scale": "demo", "methods": {"ohem": {"miner": "oehm"}}}',
            '--params: methods.ohem.miner: "oehm" is not allowed',
        ),
        ('{"scale": "demo", "datasets": {"voc": {"title": "\\u0000"}}}', "--params: datasets.voc.title"),
        ('{"scale": "demo", "run": {"seeds": [' + "9" * 5000 + "]}}", "--params: run.seeds.0: the number is too large"),
        ('{"scale": "demo", "datasets": [' * 3000, "--params: not JSON (more than 30 values within each other)"),
    ],
)
def test_a_part_of_the_parameters_is_checked_as_well(text, message, capsys):
    assert main(["evaluate", "--params", text, *(f"--{a}=x" for a in EVALUATE)]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"sohem: error: {message}")
    assert len(error) < 2000


def test_the_part_of_an_artifact_passes_the_check(given):
    for name in artifacts.artifacts(given):
        artifacts.load(params.dumps(artifacts.part(given, name)))
    broken = artifacts.part(given, "fig2b")
    broken["artifacts"]["fig2b"]["rios"] = "all"
    with pytest.raises(ParamsError, match=r"^--params: artifacts.fig2b.rios: unknown key, did you mean rois"):
        artifacts.load(params.dumps(broken))


def test_a_value_of_snakemakes_config_option_is_read_as_in_the_file():
    assert params.of_config("run={seeds: [3, 4], datasets: [voc]}") == {"run": {"seeds": [3, 4], "datasets": ["voc"]}}
    assert params.of_config("scale='paper'") == {"scale": "paper"}
    assert params.of_config("run={'seeds': [3]}") == {"run": {"seeds": [3]}}
    with pytest.raises(ParamsError, match=r'^--config run: seeds.0: "010" is read in different ways'):
        params.of_config("run={seeds: [010]}")


def test_a_step_sees_its_own_keys_only(given):
    part = params.select(given, "train", dataset="voc", method="ohem")
    assert set(part["methods"]) == {"ohem"}
    assert set(part["datasets"]) == {"voc"}
    assert "test" not in part["scales"]["demo"]
    assert "title" not in part["datasets"]["voc"]


def test_select_is_idempotent_and_survives_json(given):
    for step in params.STEP_KEYS:
        names = {"dataset": "kitti", "method": "sohem"}
        part = params.select(given, step, **names)
        assert params.select(params.load(params.dumps(part)), step, **names) == part


def test_what_is_ignored_makes_the_split_again_and_trains_only_if_that_is_another(given):
    """Trainings see it in the table of objects, and DVC would refuse a key that a data set lacks."""
    changed = copy.deepcopy(given)
    changed["datasets"]["kitti"]["ignore"] = []
    for step in ("fetch", "split", "train", "detect", "evaluate"):
        parts = [params.select(p, step, dataset="kitti", method="ohem") for p in (given, changed)]
        assert (params.fingerprint(parts[0]) == params.fingerprint(parts[1])) == (step != "split")


def test_a_fingerprint_changes_with_a_swap_of_two_values(given):
    before = params.fingerprint(given)
    train = given["scales"]["demo"]["train"]
    train["lr"], train["momentum"] = train["momentum"], train["lr"]
    assert params.fingerprint(given) != before


def test_labels_map_to_classes(given):
    assert label_of(given["datasets"]["kitti"]["classes"])["Person_sitting"] == "person"
    assert label_of(given["datasets"]["voc"]["classes"])["sofa"] == "sofa"
    assert len(params.class_names(given, "kitti")) == 7


def test_the_part_of_a_step_keeps_the_order_of_classes_and_no_other(given):
    text = params.dumps(params.select(given, "train", dataset="kitti", method="ohem"))
    assert params.class_names(params.load(text), "kitti") == [
        "car",
        "person",
        "cyclist",
        "truck",
        "van",
        "tram",
        "misc",
    ]
    assert text == params.dumps(dict(reversed(params.load(text).items())))


def test_where_the_archives_lie_concerns_fetch_alone(given):
    given["scale"] = "paper"
    moved = yaml.safe_load(yaml.safe_dump(given))
    moved["datasets"]["voc"]["paper"]["archives"] = "/somewhere/else"
    for step in ("fetch", "split", "train", "propose"):
        parts = [params.select(p, step, dataset="voc", method="ohem") for p in (given, moved)]
        assert (params.fingerprint(parts[0]) == params.fingerprint(parts[1])) == (step != "fetch")
    assert given["datasets"]["voc"]["paper"]["archives"] == "data/paper/archives"
