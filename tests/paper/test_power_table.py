"""The step `sohem power`: by hand where only images scatter, by simulation where runs do, and its words."""

import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sohem import cli, files
from sohem.evaluation import components
from sohem.paper import power_words
from sohem.paper.power_table import Outlook, outlook, power_table

PARAMS = {"scale": "demo", "evaluation": {"bootstrap": {"level": 0.95}}}


def row(scope: str, iou: float, variances: tuple[float, ...], seeds: int = 5, value: float = 0.3) -> dict:
    """A row of difference_*.csv; variances of images, run and seeds."""
    apart = np.sqrt(variances)
    return {"scope": scope, "kind": "mean" if scope in ("mAP", "rigid", "nonrigid") else "class", "iou": iou,
            "difference": value, "low": value - 1, "high": value + 1, "seeds": seeds,
            "se_images": apart[0], "se_run": apart[1], "se_seeds": apart[2]}  # fmt: skip


ROWS = [
    row("cat", 0.6, (1.0, 0.0, 0.0)),
    row("mAP", 0.5, (1.0, 0.0, 0.0)),
    row("mAP", 0.6, (0.0001, 0.0, 1.0)),
    row("nonrigid", 0.5, (1.0, 0.0, 0.0)),
    row("rigid", 0.55, (1.0, 0.0, 0.0)),
]


def test_where_only_images_scatter_it_is_the_z_test() -> None:
    table = power_table(pd.DataFrame(ROWS), "voc", 300, 0.95).set_index(["scope", "iou"])
    # Means first; the paper prints nothing at 0.55.
    assert table.index.tolist() == [("mAP", 0.5), ("mAP", 0.6), ("nonrigid", 0.5), ("cat", 0.6)]
    assert table["printed"].tolist() == [0.1, 0.5, 0.0, 4.4]
    cat, mean, nothing = (table.loc[key] for key in (("cat", 0.6), ("mAP", 0.5), ("nonrigid", 0.5)))
    assert cat["smallest_seen"] == mean["smallest_seen"] == pytest.approx(2.8016, abs=1e-3)  # 1.960 + 0.842
    assert (cat["seeds_needed"], cat["images_needed"]) == (2, 122)  # 300 (2.8016 / 4.4)^2 = 121.6
    assert (mean["seeds_needed"], mean["images_needed"]) == (math.inf, 235466)  # 300 x 28.01585^2 = 235466.4
    assert mean["wrong_sign"] == pytest.approx(0.460172, abs=1e-6)  # a tenth of a standard deviation
    assert np.isnan([nothing["seeds_needed"], nothing["images_needed"]]).all()  # the paper prints 0
    assert nothing["wrong_sign"] == 0.5


def test_luck_that_hides_it_is_helped_by_seeds_alone() -> None:
    what = outlook(row("mAP", 0.6, (0.0001, 0.0, 1.0)), 0.5, 300, 0.95)
    assert what.images_needed == math.inf
    # The normal distribution alone asks for (2.8016 / 0.5)^2 = 31.4; Student's t for a little more.
    assert 32 <= what.seeds_needed <= 36


def test_one_seed_gives_lower_bounds_and_no_number_of_seeds() -> None:
    what = outlook(row("mAP", 0.6, (1.0, np.nan, np.nan), seeds=1), 0.5, 300, 0.95)
    assert what.smallest_seen == pytest.approx(2.8016, abs=1e-3)
    assert math.isnan(what.seeds_needed)
    assert what.images_needed == 9419  # 300 (2.8016 / 0.5)^2 = 9418.5
    assert what.wrong_sign == pytest.approx(0.308538, abs=1e-6)


def test_what_did_not_scatter_or_has_no_value_is_not_known() -> None:
    for variances in ((0.0, 0.0, 0.0), (np.nan, np.nan, np.nan), (1.0, np.nan, 0.0)):
        assert np.isnan(outlook(row("cat", 0.6, variances), 4.4, 300, 0.95)).all()
    assert math.isnan(outlook(ROWS[0], 4.4, None, 0.95).images_needed)


@pytest.mark.parametrize(("variances", "seeds"), [((0.05, 0.5, 0.5), 5), ((0.0, 1.0, 0.0), 3)])
def test_simulated_runs_see_the_printed_difference_with_the_numbers_that_are_given(
    variances: tuple[float, float, float], seeds: int
) -> None:
    """As many seeds, or images, as the table says show +1.6 in 80 % of experiments, within the error of 4,000."""
    what = outlook(row("rigid", 0.6, variances, seeds), 1.6, 300, 0.95)
    rng, repeats = np.random.default_rng(5), 4000

    def seen(common: float, own: float, luck: float, count: int) -> float:
        each = 1.6 + rng.normal(0, np.sqrt(common), (repeats, 1))
        each = each + rng.normal(0, np.sqrt(own), (repeats, count)) + rng.normal(0, np.sqrt(luck), (repeats, count))
        known, run = np.full(repeats, common + own / count), np.full(repeats, own)  # the bootstrap's, of many images
        added = components.excess(each.var(axis=1, ddof=1), run, count)
        return float((np.abs(each.mean(axis=1)) > components.reach(known, added, count, 0.95)).mean())

    def of_images(number: float) -> tuple[float, float, float]:
        return variances[0] * 300 / number, variances[1] * 300 / number, variances[2]

    bound = 3 * np.sqrt(0.8 * 0.2 / repeats)
    enough, count = seen(*variances, int(what.seeds_needed)), int(what.seeds_needed)
    assert enough >= 0.8 - bound
    if count > 2:
        assert seen(*variances, count - 1) <= 0.8 + bound
    assert seen(*of_images(what.images_needed), seeds) == pytest.approx(0.8, abs=bound + 0.005)
    pairs = 1.6 + rng.normal(0, np.sqrt(sum(variances)), repeats)
    assert (pairs < 0).mean() == pytest.approx(what.wrong_sign, abs=3 * np.sqrt(what.wrong_sign / repeats))


def test_the_words_of_what_it_takes() -> None:
    words = power_words.what_it_takes
    assert words(12, 2449) == "it takes 12 seeds on these test images, or 2,400 test images with these seeds"
    assert words(math.inf, 920) == (
        "it takes 920 test images with these seeds; no number of seeds on these test images is enough"
    )
    assert (
        words(math.inf, math.inf)
        == "no number of seeds on these test images or of test images with these seeds is enough"
    )
    assert words(1234, math.nan) == "it takes more than 1,000 seeds on these test images"
    assert words(math.nan, math.nan) == "not known"


def test_cells_and_sentences_of_several_seeds() -> None:
    table = power_table(pd.DataFrame(ROWS), "voc", 300, 0.95)
    table.loc[1, ["smallest_seen", "seeds_needed", "wrong_sign"]] = [1.25, 34, 0.31]
    shown = power_words.cells(table, 0.95)
    assert shown.loc[0].tolist() == ["mAP", "0.5", "+0.30", "[-0.70, +1.30]", "+0.1", "2.80", "no number is enough",
                                     "240,000", "46%"]  # fmt: skip
    assert shown.loc[2].tolist() == ["non-rigid", "0.5", "+0.30", "[-0.70, +1.30]", "0", "2.80", "", "", "50%"]
    assert power_words.sentences(table, "VOC07") == [
        "VOC07: with 5 pairs of runs on 300 test images a difference in mAP shows in four of five cases from 2.80 "
        "points at IoU 0.5 and 1.25 at 0.6, and the paper prints +0.1 and +0.5.",
        "If those differences were true, a single pair of runs, as in the paper, would show the wrong sign in 31 to "
        "46 % of cases; to see +0.5 at IoU 0.6 as surely, it takes 34 seeds on these test images; no number of test "
        "images with these seeds is enough.",
    ]


def test_one_seed_says_what_cannot_be_known() -> None:
    table = power_table(pd.DataFrame([row("mAP", 0.6, (1.0, np.nan, np.nan), seeds=1)]), "voc", 300, 0.95)
    assert power_words.cells(table, 0.9).iloc[0].tolist()[5:] == ["at least 2.80", "not known", "at least 9,400",
                                                                 "at least 31%"]  # fmt: skip
    assert power_words.cells(table, 0.9).columns[3] == "90% interval"
    first, second = power_words.sentences(table, "VOC07")
    assert first == (
        "VOC07: one pair of runs does not show what luck of training adds; by the 300 test images alone, so at best, a "
        "difference in mAP shows in four of five cases from 2.80 points at IoU 0.6, and the paper prints +0.5."
    )
    assert second.endswith("in at least 31 % of cases; how many seeds it takes to see them cannot be known from one.")


def test_no_number_is_worth_no_sentence() -> None:
    nothing = power_table(pd.DataFrame([row("mAP", 0.6, (np.nan, np.nan, np.nan))]), "voc", 300, 0.95)
    assert power_words.sentences(nothing, "VOC07") == []
    assert set(power_words.cells(nothing, 0.95).iloc[0].tolist()[5:]) == {"not known"}
    zero = power_table(pd.DataFrame([row("mAP", 0.5, (1.0, 0.0, 0.0))]), "kitti", 300, 0.95)
    assert len(power_words.sentences(zero, "KITTI12")) == 1


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    files.write_json(tmp_path / "split.json", {"subsets": {"test": {"images": 300}}})
    pd.DataFrame(ROWS).to_csv(tmp_path / "difference.csv", index=False)
    return tmp_path


def step(folder: Path, dataset: str = "voc") -> int:
    return cli.main([
        "power", "--params", json.dumps(PARAMS), "--dataset", dataset, "--split", str(folder / "split.json"),
        "--difference", str(folder / "difference.csv"), "--out", str(folder / "power.csv"),
    ])  # fmt: skip


def test_the_step_prints_the_table_and_writes_it(folder: Path, capsys: pytest.CaptureFixture) -> None:
    assert step(folder) == 0
    shown = capsys.readouterr().out
    assert "seeds needed" in shown
    assert "no number is enough" in shown
    assert "voc: with 5 pairs of runs on 300 test images" in shown
    written = pd.read_csv(folder / "power.csv")
    assert written.columns.tolist()[7:] == ["images", "printed", *Outlook._fields, "checksum"]
    line = "mAP,mean,0.5,0.3,-0.7,1.3,5,300,0.1,2.8016,inf,235466,0.4602,"
    assert (folder / "power.csv").read_text().splitlines()[1].startswith(line)
    assert written.loc[3, ["seeds_needed", "images_needed"]].tolist() == [2, 122]


def test_bad_input_has_one_message(folder: Path, capsys: pytest.CaptureFixture) -> None:
    assert step(folder, "cells") == 2
    assert "--dataset cells: the paper has no numbers for it, only for voc, kitti" in capsys.readouterr().err
    pd.DataFrame(ROWS).drop(columns="se_run").to_csv(folder / "difference.csv", index=False)
    assert step(folder) == 2
    assert "difference.csv: not a table of scope, kind, iou" in capsys.readouterr().err
    pd.DataFrame(ROWS).to_csv(folder / "difference.csv", index=False)
    files.write_json(folder / "split.json", {"subsets": {}})
    assert step(folder) == 2
    assert "split.json: does not say how many test images there are" in capsys.readouterr().err
    assert not (folder / "power.csv").exists()


def test_needs_no_torch() -> None:
    code = "import sys, sohem.commands.power; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_thresholds_that_the_paper_does_not_print_give_an_empty_table(
    folder: Path, capsys: pytest.CaptureFixture
) -> None:
    pd.DataFrame(ROWS[-1:]).to_csv(folder / "difference.csv", index=False)
    assert step(folder) == 0
    assert "none of the classes and thresholds that the paper prints differences of" in capsys.readouterr().out
    assert pd.read_csv(folder / "power.csv").empty
