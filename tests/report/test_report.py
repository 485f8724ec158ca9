"""The report, from results made by hand: KITTI, two methods, one seed, one figure, one table, one sheet of images."""

import base64
import copy
import io
import re
from html import unescape
from pathlib import Path

import jinja2
import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

import browser
from sohem import artifacts, files, pages, params, provenance
from sohem.cli import main
from sohem.errors import DataError
from sohem.paper import testset
from sohem.report import embed, plan, sections

ROOT = Path(__file__).parents[2]
SVG = """<?xml version="1.0"?>
<svg xmlns="http://www.w3.org/2000/svg" width="72pt" height="36pt" viewBox="0 0 72 36"><g id="axes_1">
<rect width="72" height="36" fill="#fff"/><circle cx="20" cy="18" r="9"/></g></svg>
"""
COMMIT = "0123456789abcdef0123456789abcdef01234567"
CLAIM = {
    "topic": "Does S-OHEM detect better on KITTI?", "place": "Section 4.3", "statement": "it is above 0", "note": None,
    "reason": "the interval lies above 0", "interval_is": "95% interval over test images", "demonstration": True,
}  # fmt: skip


@pytest.fixture(scope="module")
def given():
    """The parameters of this repository, cut to KITTI."""
    made = copy.deepcopy(yaml.safe_load((ROOT / "params.yaml").read_text()))
    made["run"] = {"datasets": ["kitti"], "methods": ["ohem", "sohem"], "seeds": [0]}
    made["artifacts"] = {
        "fig3": {"kind": "loss_figure", "datasets": ["kitti"], "rois": "all"},
        "table4b": {"kind": "rigid_table", "datasets": ["kitti"]},
    }
    return made


def record(part):
    """What provenance.record gives for a step that was given this part of the parameters, in a repository at COMMIT."""
    return {
        "git": {"commit": COMMIT, "dirty": False},
        "parameters": params.fingerprint(part),
        "versions": {"python": "3.12.1", "torch": "2.11.0"},
        "platform": "Linux x86_64",
        "device": "cpu",
        "inputs": [{"path": "results/demo/data/kitti/images.parquet", "sha256": "ab" * 32}],
    }


def fill(folder, given):
    """The results of such a run."""
    (name,) = given["run"]["datasets"]
    data, runs, paper = folder / "data" / name, folder / "runs" / name, folder / "paper"
    statistics = paper / "statistics" / name
    statistics.mkdir(parents=True)
    subset = {"images": 3, "objects": {"car": 2, "van": 5}, "difficult": 0, "ignored": 0, "ids": []}
    files.write_json(data / "split.json", {"subsets": {"train": subset, "test": subset}, "tree": "cd" * 32})
    rows = [["mAP", "mean", iou, 60.0, 61.5, 1.5, None, low, 4.0, 0.25, 0.25, 1]
            for iou, low in ((0.5, -1.0), (0.6, 0.5))]  # fmt: skip
    columns = ["scope", "kind", "iou", "first", "second", "difference"]
    columns += ["seed_sd", "low", "high", "p", "p_holm", "seeds"]
    pd.DataFrame(rows, columns=columns).to_csv(statistics / "difference_ohem_sohem.csv", index=False)
    pair = {"method": "sohem", "seed": 0, "other": "ohem", "iteration": [10, 20], "beta": [0.0, 2.3], "left": 150,
            "foreground_left": 3, "taken": 16, "taken_other": 16, "shared": [16, 14]}  # fmt: skip
    pd.DataFrame(pair).to_csv(statistics / "overlap.csv", index=False)
    (statistics / "power.csv").write_text(
        "scope,kind,iou,difference,low,high,seeds,images,printed,smallest_seen,seeds_needed,images_needed,wrong_sign\n"
        "mAP,mean,0.5,1.5,-1,4,5,3,0,2.5,,,0.5\nmAP,mean,0.6,1.5,0.5,4,5,3,1.0,2.75,34,inf,0.31\n"
        "truck,class,0.6,2,-9,9,5,3,3.9,7.25,inf,2449,0.125\n"
    )
    machine = {"cpu": "Some CPU", "cores": 2, "threads": 1, "gpu": None}
    for method, seconds in (("ohem", 75.0), ("sohem", 50.0)):
        interval = {"scope": ["mAP", "mAP"], "iou": [0.5, 0.6], "ap": [60.0, 61.5], "seed_sd": None}
        pd.DataFrame(interval).to_csv(statistics / f"interval_{method}.csv", index=False)
        run = runs / method / "seed0"
        files.write_json(run / "metrics.json", {"mAP@0.5": 60.0, "mAP@0.6": 61.5, "mAP@0.7": None, "rigid@0.5": 12.34})
        log = {"cls_all": [9.0] + [0.25] * 50, "loc_all": [9.0] + [0.125] * 50}
        files.write_table(run / "log.parquet", pd.DataFrame(log))
        cost = {"sessions": 2, "seconds": seconds, "joules": None}
        origin = record(params.select(given, "train", dataset=name, method=method))
        files.write_json(run / "provenance.json", {**origin, "machine": machine, "cost": cost})
    (paper / "fig3.svg").write_text(SVG)
    (paper / "table4b.csv").write_text(
        "method,IoU,rigid,non-rigid\nOHEM,0.5,60.00,9.50\nS-OHEM,0.5,61.00,\n"
        "improv,0.5,1.00,\nimprov low,0.5,-2.00,\nimprov high,0.5,3.00,\n"
    )
    sheets = [f"{kind}_{name}" for kind in ("mined", "differences", "detections", "contact")]
    for sheet in sheets:
        Image.new("RGB", (40, 20), "red").save(paper / f"{sheet}.png")
    for made in ("fig3", "table4b", *sheets):
        files.write_json(paper / f"{made}.provenance.json", record(artifacts.part(given, made)))
    numbers = {"value": 1.5, "unit": "points", "direction": "above", "bound": 0.0, "printed": {"Table 3": 0.5}}
    claims = [
        {**CLAIM, "id": "a", "sentence": "It <em>helps</em> at 0.5", "verdict": "supported", "numbers": numbers,
         "interval": [0.5, 2.5], "artifact": "table4b.md"},
        {**CLAIM, "id": "b", "sentence": "It helps at 0.6", "verdict": "not supported", "numbers": numbers,
         "interval": [0.5, 2.5], "artifact": "fig3.svg"},
        {**CLAIM, "id": "c", "sentence": "It helps at 0.7", "verdict": "inconclusive", "numbers": {}, "interval": None,
         "interval_is": None, "artifact": None},
    ]  # fmt: skip
    audit = [{"id": "x", "place": "Table 4(b)", "finding": "two cells are swapped", "numbers": {}, "agrees": False}]
    files.write_json(paper / "claims.json", {"notice": "demo scale, generated data", "claims": claims, "audit": audit})


def report(folder, given, status=0):
    """The page that the step makes from the results in a folder."""
    out = folder / "report.html"
    words = ["--params", params.dumps(given), "--results", str(folder), "--out", str(out)]
    assert main(["report", *words]) == status
    return out


@pytest.fixture(scope="module")
def page(given, tmp_path_factory):
    folder = tmp_path_factory.mktemp("report") / "demo"
    fill(folder, given)
    return report(folder, given)


def words(html):
    """The words that a reader sees, tags and pictures left out."""
    return " ".join(re.sub(r"<(style|script)>.*?</\1>|<[^>]*>", " ", html, flags=re.DOTALL).split())


def test_what_the_test_set_can_show_stands_with_the_claims(page, given, tmp_path):
    section = testset.section()
    shown = unescape(words(page.read_text(encoding="utf-8")))
    assert section.title in shown
    assert section.text in shown
    for row in section.rows:
        assert " ".join(filter(None, row)) in shown
    fill(tmp_path / "demo", given)
    (tmp_path / "demo/paper/claims.json").unlink()
    assert section.title not in unescape(report(tmp_path / "demo", given).read_text(encoding="utf-8"))


def test_the_summary_comes_first_and_says_what_ran_what_holds_and_what_was_measured(page):
    text = words(page.read_text())
    order = ["DEMO.", "Summary", "On average S-OHEM took", "Data sets",
             "Do the paper's claims hold here?", "S-OHEM against OHEM", "The paper's claims",
             "Figure 3: losses during training, KITTI12", "Table 4(b): rigid and non-rigid classes, KITTI12",
             "What was mined, KITTI12",
             "Where the methods differ most, KITTI12", "Detections, KITTI12", "Images and ground truth, KITTI12",
             "Every training run", "This page"]  # fmt: skip
    places = [text.index(part) for part in order]
    assert places == sorted(places)
    for part in (
        "KITTI12 (3 images to train, 3 to test)",
        "KITTI12: On average S-OHEM took 93.8 % of the RoIs that OHEM would have taken",  # of 16 all, then 14
        "with its final beta of 2.3, 87.5 %). NMS leaves 9.4 RoIs for each one taken; 2 % of them are foreground.",
        "2 runs, 2 min 5 s in all; energy: not measured",  # 75 s and 50 s
        "1 of 3 supported", "1 of 3 not supported", "1 of 3 inconclusive",
        "KITTI12 0.5 60.00 61.50 +1.50 [-1.00, 4.00] 0.250",
        "1 of 2 intervals leave out 0",  # from 0.5 to 4
        "Some CPU, 2 cores", "python 3.12.1, torch 2.11.0", COMMIT, "cd" * 32, "ab" * 32,
    ):  # fmt: skip
        assert part in text, part
    assert "not there" not in text
    assert "other parameters than today's" not in text


def test_a_run_shows_its_metrics_losses_iterations_and_time(page):
    # The losses are means over the last 50 iterations (scales.demo.window), without the first, which is 9.
    assert "KITTI12 OHEM 0 60.00 61.50 n/a 51 0.2500 0.1250 1 min 15 s not measured cpu" in words(page.read_text())


def test_a_claim_shows_verdict_numbers_and_where_to_look(page):
    html, text = page.read_text(), words(page.read_text())
    assert "supported (demonstration): the interval lies above 0 +1.50 [+0.50, +2.50] points above 0" in text
    assert '<a href="#table4b">Table 4(b)</a>' in html
    assert 'id="table4b"' in html
    assert "two cells are swapped" in text


def test_how_small_a_difference_can_be_seen_stands_before_the_claims(page, given, tmp_path):
    text = words(page.read_text())
    section = text[text.index("How small a difference can be seen") : text.index("The paper's claims")]
    for part in (
        "KITTI12: with 5 pairs of runs on 3 test images a difference in mAP shows in four of five cases from 2.50 "
        "points at IoU 0.5 and 2.75 at 0.6, and the paper prints 0 and +1.",
        "the wrong sign in 31 % of cases; to see +1 at IoU 0.6 as surely, it takes 34 seeds on these test images;",
        "mAP 0.6 +1.50 [+0.50, +4.00] +1 2.75 34 no number is enough 31%",
        "Single classes", "truck 0.6 +2.00 [-9.00, +9.00] +3.9 7.25 no number is enough 2,400 12%",
    ):  # fmt: skip
        assert part in section, part
    fill(tmp_path / "demo", given)
    table = tmp_path / "demo/paper/statistics/kitti/power.csv"
    for left in (table.read_text().splitlines()[0] + "\n", None):  # other thresholds than the paper's; no such pair
        table.write_text(left) if left else table.unlink()
        text = words(report(tmp_path / "demo", given).read_text())
        assert "How small a difference can be seen" not in text
        assert "not there" not in text


def test_what_is_shown_is_escaped(page):
    assert "It &lt;em&gt;helps&lt;/em&gt; at 0.5" in page.read_text()


def test_the_same_results_give_the_same_bytes(page, given):
    before = page.read_bytes()
    assert report(page.parent, given).read_bytes() == before


def test_what_is_missing_is_named_and_the_rest_is_shown(page, given, tmp_path):
    fill(tmp_path / "demo", given)
    for name in ("paper/fig3.svg", "paper/claims.json", "runs/kitti/ohem/seed0/metrics.json"):
        (tmp_path / "demo" / name).unlink()
    text = words(report(tmp_path / "demo", given).read_text())
    assert "3 files are not there" in text
    assert all(
        f"demo/{name}" in text for name in ("paper/fig3.svg", "paper/claims.json", "runs/kitti/ohem/seed0/metrics.json")
    )
    assert "Figure 3" not in text
    assert "KITTI12 OHEM 0 n/a n/a n/a 51" in text
    assert "KITTI12 S-OHEM 0 60.00" in text
    assert "ablation" not in text.split("Parameters of the runs")[0]  # it was not expected


def test_nothing_but_an_empty_folder(given, tmp_path):
    text = words(report(tmp_path, given).read_text())
    assert "files are not there" in text
    assert "wall time not recorded" in text


def test_results_of_other_parameters_are_marked(page, given, tmp_path):
    fill(tmp_path / "demo", given)
    changed = copy.deepcopy(given)
    changed["methods"]["sohem"]["beta"]["end"] = 0.9
    text = words(report(tmp_path / "demo", changed).read_text())
    assert text.count("Trained with other parameters than today's") == 1


def test_a_damaged_file_is_named(given, tmp_path, capsys):
    fill(tmp_path / "demo", given)
    (tmp_path / "demo" / "paper/fig3.svg").write_text("<svg/>")
    report(tmp_path / "demo", given, status=2)
    assert "fig3.svg: not an SVG with width and height in points" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["fig3.svg", "table4b.csv", "contact_kitti.png"])
def test_a_figure_table_or_sheet_with_a_wrong_bit_is_named(given, tmp_path, capsys, name):
    fill(tmp_path / "demo", given)
    path = tmp_path / "demo" / "paper" / name
    origin = path.with_name(f"{path.stem}.provenance.json")
    ending = path.suffix[1:]
    files.write_json(origin, {**files.read_json(origin), "sha256": {ending: provenance.sha256(path)}})
    report(tmp_path / "demo", given)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    capsys.readouterr()
    report(tmp_path / "demo", given, status=2)
    assert f"{path}: damaged: not as its provenance says; delete it" in capsys.readouterr().err


def test_at_paper_scale_nothing_is_called_a_demo(given, tmp_path):
    real = {**given, "scale": "paper"}
    fill(tmp_path / "paper", real)
    text = words(report(tmp_path / "paper", real).read_text())
    assert "DEMO" not in text
    assert "paper scale, real data" in text


def test_a_data_set_that_stands_for_another_says_so_wherever_the_paper_s_numbers_stand(given, tmp_path):
    streets = {**given["datasets"]["kitti"], "title": "Streets", "stands_for": "kitti"}
    streets["laptop"] = {**streets["laptop"], "root": "data/streets"}
    mine = copy.deepcopy({**given, "scale": "laptop", "datasets": {**given["datasets"], "streets": streets}})
    mine["run"]["datasets"] = ["streets"]
    for artifact in mine["artifacts"].values():
        artifact["datasets"] = ["streets"]
    folder = tmp_path / "streets"
    fill(folder, mine)
    claims = files.read_json(folder / "paper/claims.json")
    for claim in claims["claims"]:
        claim |= {"demonstration": False, "setting": "held against Streets, laptop scale"}
    left_out = {"sentence": "It helps on VOC07", "place": "Table 2", "reason": "there is no data set voc"}
    files.write_json(folder / "paper/claims.json", {**claims, "not_applicable": [left_out]})
    text = unescape(words(report(folder, mine).read_text()))
    assert (
        text.count("Streets stands for KITTI12: 7 of its 7 classes (5 of its 5 rigid ones)") == 3
    )  # top, tiles, claims
    assert text.index("Not the paper's setting. These are small networks") < text.index("Summary Claims")
    for part in (
        "Streets 0.6 60.00 61.50 +1.50 [0.50, 4.00] 0.250 +1 (KITTI12)",
        "and the paper prints 0 and +1 for KITTI12.",
        "differences in means over classes, in points; the printed ones are for KITTI12",
        "supported (held against Streets, laptop scale): the interval lies above 0",
        "Claims that do not apply here There is no data set voc: It helps on VOC07 (Table 2).",
    ):
        assert part in text, part
    assert "DEMO" not in text
    assert "emonstration" not in text
    assert "not there" not in text


def test_every_part_of_the_real_report_has_a_caption():
    real = yaml.safe_load((ROOT / "params.yaml").read_text())
    texts = {part.name: part.artifact.kind.caption(part.artifact) for part in plan.parts(real)}
    assert len(texts) == 12 + 2 * 4  # artifacts of the parameters but the ablation's, four sheets for each data set
    assert all(text.endswith(".") and "{" not in text for text in texts.values())
    assert texts["fig2a"].startswith("Average precision against the IoU threshold")
    assert "VOC07" in texts["contact_voc"]
    real["run"] |= {"methods": ["ohem", "sohem", "random"], "shown": ["ohem", "sohem"]}
    assert {part.name for part in plan.parts(real)} - set(texts) == {"ablation", "ablation_figure"}


@pytest.mark.parametrize(
    ("name", "expected"), [("fig2a", "Figure 2(a)"), ("table4b", "Table 4(b)"), ("fig3", "Figure 3"),
                           ("kitti_ap_table", "kitti_ap_table"), ("figure", "figure")],
)  # fmt: skip
def test_names_are_those_of_the_paper(name, expected):
    assert plan.label(name) == expected


def test_a_table_is_turned_so_that_classes_are_rows():
    text = pd.DataFrame(
        [["OHEM", "0.5", "60.00", "9.50"], ["S-OHEM", "0.5", "61.00", None], ["improv", "0.5", "1.00", None],
         ["improv low", "0.5", "-2.00", None], ["improv high", "0.5", "3.00", None]],
        columns=["method", "IoU", "mAP", "car"],
    )  # fmt: skip
    made = sections.across(text, 0.95)
    assert made.heads == ["AP of", "OHEM @0.5", "S-OHEM @0.5", "improv @0.5", "95% interval (images) @0.5"]
    assert [[cell.text for cell in row] for row in made.rows] == [
        ["mAP", "60.00", "61.00", "1.00", "[-2.00, 3.00]"],
        ["car", "9.50", "n/a", "n/a", "n/a"],
    ]


@pytest.mark.parametrize(
    ("text", "value"),
    [("66.97", 66.97), ("66.97 ± 0.4", 66.97), ("[-1.2, 3.4]", -1.2), ("+1.5 [0, 2]", 1.5), ("n/a", None),
     ("S-OHEM", None), ("3d-cars", None)],
)  # fmt: skip
def test_cells_are_sorted_by_their_number(text, value):
    assert sections.cell(text).value == value


def test_what_runs_took_together_is_known_if_each_is():
    one, two = {"seconds": 60.0, "joules": 7200.0}, {"seconds": 30.0, "joules": None}
    assert sections.total([one, one]) == {"seconds": 120.0, "joules": 14400.0}
    assert sections.total([one, two]) == {"seconds": 90.0, "joules": None}
    assert sections.total([one, None]) == {"seconds": None, "joules": None}
    assert [pages.duration(s) for s in (None, 59.4, 75.3, 7260.0)] == ["n/a", "59 s", "1 min 15 s", "2 h 1 min"]
    assert [pages.energy(j) for j in (None, 7200.0)] == ["not measured", "2.0 Wh"]


def test_a_file_that_results_were_made_from_in_two_versions_shows():
    records = [{"inputs": [{"path": "a", "sha256": digest}]} for digest in ("11", "22", "11")]
    assert sections.checksums(records) == {"a": ["11", "22"]}


def test_pictures_keep_their_pixels(tmp_path):
    grey = np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8)
    Image.fromarray(grey > 127).save(tmp_path / "line.png")  # one bit a pixel: larger as WebP
    made = embed.sheet(tmp_path / "line.png")
    assert made.source.startswith("data:image/png;base64,")
    assert (made.width, made.height) == (32, 32)
    Image.fromarray(grey).save(tmp_path / "grey.png")
    packed = embed.sheet(tmp_path / "grey.png").source
    assert packed.startswith("data:image/webp;base64,")
    with Image.open(io.BytesIO(base64.b64decode(packed.split(",")[1]))) as image:
        assert image.size == (64, 64)
    whole = (tmp_path / "grey.png").read_bytes()
    for damaged in (whole[:-200], whole[:9], b"%!PS-Adobe-3.0 EPSF-3.0"):
        (tmp_path / "grey.png").write_bytes(damaged)
        with pytest.raises(DataError, match=r"grey\.png: truncated or no image .*; delete it and make it again"):
            embed.sheet(tmp_path / "grey.png")
    (tmp_path / "a.svg").write_text(SVG)
    assert embed.vector(tmp_path / "a.svg")[1:] == (96, 48)  # 72 points are an inch, and that is 96 CSS pixels


def test_a_template_refuses_to_show_what_it_was_not_given():
    with pytest.raises(jinja2.UndefinedError):
        pages.render("sohem.report", "report.html.j2")


@pytest.fixture(scope="module")
def chromium():
    with browser.browser() as running:
        yield running


@pytest.mark.parametrize("width", [browser.PHONE, browser.DESKTOP])
def test_the_page_in_a_browser(chromium, page, width):
    assert chromium.faults(page, width) == []


def test_tables_are_sorted_by_their_heads(chromium, page):
    script = """(() => {
      const table = document.querySelector('#runs table'), head = table.tHead.rows[0].cells[9];
      const methods = () => [...table.tBodies[0].rows].map(row => row.cells[1].textContent);
      const seen = () => head.getAttribute('aria-sort') + ' ' + methods();
      const found = [head.textContent, seen()];
      for (let k = 0; k < 2; k++) { head.querySelector('button').click(); found.push(seen()); }
      return found;
    })()"""
    # 75 s and 50 s: by the number behind the cell, not by its text "1 min 15 s".
    assert chromium.ask(page, script) == [
        "wall time", "null OHEM,S-OHEM", "ascending S-OHEM,OHEM", "descending OHEM,S-OHEM",
    ]  # fmt: skip
