"""Choosing again on recorded losses: a small record by hand, and a record of a real training."""

import pandas as pd
import pytest

import toy
from sohem import files
from sohem.cli import main
from sohem.errors import DataError
from sohem.mining import replay
from sohem.mining.miners.ohem import OHEM
from sohem.mining.miners.random import RandomSampler

# Two images. 0 and 1 are nearly the same box, so NMS keeps the harder one; 4 is ignored. B is 2 of each image.
BOXES = [[0, 0, 10, 10], [0, 0, 10, 9], [20, 0, 30, 10], [40, 0, 50, 10], [60, 0, 70, 10], [0, 0, 10, 10]]
RECORD = pd.DataFrame(BOXES, columns=["x1", "y1", "x2", "y2"]).assign(
    iteration=2, slot=[0, 0, 0, 0, 0, 1], label=[0, 0, 0, 1, -1, 0], overlap=[0, 0, 0.2, 0.6, 0, 0],
    l_cls=[3.0, 2.5, 2.0, 1.0, 0.0, 0.5], l_loc=[0.0, 0.0, 0.0, 1.5, 0.0, 0.0],
    selected=[True, False, False, True, False, True],
)  # fmt: skip
LOG = pd.DataFrame({"iteration": [1, 2], "cls_selected": [1.0, 1.0]})
MINERS = {"ohem": OHEM(2), "cls": OHEM(2, ["cls"]), "random": RandomSampler(2)}


def test_what_ohem_took_is_held_against_what_others_would_have_taken():
    # L_cls + L_loc is 3, 2.5, 2, 2.5: OHEM takes 0 and 3, L_cls alone 0 and 2. Both take the other image's one.
    table = replay.overlap_rows(RECORD, LOG, "ohem", {"ohem": MINERS["ohem"], "cls": MINERS["cls"]}, 0, True)
    (row,) = table.to_dict("records")
    assert row == {"method": "ohem", "other": "cls", "iteration": 2, "beta": 1.0, "beta_other": 0.0, "left": 4,
                   "foreground_left": 1, "taken": 3, "taken_other": 3, "shared": 2, "cls_own": 1.0, "loc_own": 1.5,
                   "cls_other": 2.0, "loc_other": 0.0}  # fmt: skip


def test_a_record_that_its_method_would_not_take_is_refused():
    with pytest.raises(DataError, match="iteration 2: 1 of 3 recorded RoIs are not those that cls takes"):
        replay.overlap_rows(RECORD, LOG, "cls", MINERS, 0, True)
    with pytest.raises(DataError, match="are not those that cls takes"):  # a third of them is more than rounding
        replay.overlap_rows(RECORD, LOG, "cls", MINERS, 0, False)


def test_random_draws_of_another_device_are_not_held_against_ours():
    other = RECORD.assign(selected=[False, True, True, False, False, True])
    draws = [replay.overlap_rows(other, LOG, "random", MINERS, seed, False) for seed in (0, 1)]
    assert [len(table) for table in draws] == [2, 2]


def test_together_the_batch_is_chosen_of_all_images():
    record = RECORD.assign(selected=[True, False, True, True, False, True])  # all four that NMS leaves
    miner = OHEM(2, together=True)
    table = replay.overlap_rows(record, LOG, "ohem", {"ohem": miner, "cls": MINERS["cls"]}, 0, True)
    assert table[["left", "taken", "shared"]].to_numpy().tolist() == [[4, 4, 3]]


def test_no_other_method_no_row():
    assert replay.overlap_rows(RECORD, LOG, "ohem", {"ohem": MINERS["ohem"]}, 0, True).empty


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Runs of S-OHEM with a measured beta and of random sampling, with DontCare regions, and their parameters."""
    root = tmp_path_factory.mktemp("toy")
    paths = toy.make(root)
    truth = files.read_table(paths["ground_truth"])
    ignored = truth.drop_duplicates("image_id").assign(ignore=True, x1=0.0, y1=0.0, x2=20.0, y2=20.0)
    files.write_table(paths["ground_truth"], pd.concat([truth, ignored.astype(truth.dtypes)], ignore_index=True))
    given = toy.parameters(root)
    given["methods"]["sohem"]["beta"] |= {"target": "ratio", "measured": "running", "window": 0.25}
    given["run"].update(methods=["sohem", "random"], seeds=[5])
    file = toy.write_params(root / "params.yaml", given)
    for method in given["run"]["methods"]:
        folder = root / "results" / "runs" / "toy" / method / "seed5"
        assert main(toy.train_arguments(paths, file, folder, method, 5)) == 0
    return root, file


def overlap(trained, name="results"):
    root, file = trained
    out = root / "overlap.csv"
    words = ["--dataset", "toy", "--results", str(root / name), "--out", str(out)]
    return main(["overlap", "--params", str(file), *words]), out


def test_every_run_takes_again_what_it_took_and_beta_comes_from_its_log(trained):
    status, out = overlap(trained)
    assert status == 0
    table = files.read_csv(out)
    pairs = table.groupby(["method", "other"]).size()
    others = {"ohem", "sohem", "cls_only", "loc_only", "random"}
    assert set(pairs.index) == {(own, other) for own in ("sohem", "random") for other in others - {own}}
    assert set(pairs) == {3}  # iterations 4, 8, 12
    root = trained[0] / "results" / "runs" / "toy"
    log = files.read_table(root / "sohem" / "seed5" / "log.parquet").set_index("iteration")
    own = table[(table["method"] == "sohem") & (table["other"] == "ohem")].set_index("iteration")
    assert own["beta"].to_numpy() == pytest.approx(log.loc[[4, 8, 12], "beta"], abs=1e-6)
    assert own.loc[12, "beta"] not in (0, 2)
    assert own["taken"].to_numpy() == pytest.approx(log.loc[[4, 8, 12], "n_selected"])
    assert (table["shared"] <= table["taken"]).all()
    assert (table["taken"] <= table["left"]).all()
    first = table[(table["method"] == "sohem") & (table["iteration"] == 4)].set_index("other")
    assert first.loc["cls_only", "shared"] == first.loc["cls_only", "taken"]  # beta is 0 until half of the training
    record = files.read_table(root / "random" / "seed5" / "rois.parquet")
    assert (record["label"] == -1).any()  # its draw goes by their places too


def test_what_is_missing_or_damaged_is_named(trained, capsys):
    assert overlap(trained, "absent")[0] == 2
    assert "log.parquet: no such file" in capsys.readouterr().err
    source = trained[0] / "results" / "runs" / "toy" / "sohem" / "seed5" / "rois.parquet"
    whole = source.read_bytes()
    table = files.read_table(source)
    for changed, words in (
        (table.assign(selected=~table["selected"]), "iteration 4: "),
        (table.drop(columns="l_loc"), "no column 'l_loc'; train again"),
    ):
        files.write_table(source, changed)
        assert overlap(trained)[0] == 2
        error = capsys.readouterr().err
        assert "rois.parquet" in error
        assert words in error
        assert "Traceback" not in error
    source.write_bytes(whole)
