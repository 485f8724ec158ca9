"""The state that a stopped training resumes from: whole, its own, let go of, and named when it is no longer needed."""

import random
import shutil
import subprocess
import sys
import weakref

import pytest

import toy
from sohem import checkpoint, sources
from sohem.cli import main
from sohem.training import loop, states


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    root = tmp_path_factory.mktemp("toy")
    return root, toy.make(root)


def train(data, folder, *options, seed=0, **changes):
    folder.mkdir(parents=True, exist_ok=True)
    given = toy.write_params(folder / "params.yaml", toy.parameters(data[0], **changes))
    return main([*toy.train_arguments(data[1], given, folder, seed=seed), *options])


def stopped(data, folder, seed=0, **changes):
    """Train until iteration 5; returns the state."""
    before = set(folder.rglob("state.pt"))
    with pytest.MonkeyPatch.context() as patch:
        toy.stop_in(patch, 5)
        assert train(data, folder, seed=seed, **changes) == 130
    (state,) = set(folder.rglob("state.pt")) - before
    return state


def outputs(folder):
    return [(folder / name).read_bytes() for name in ("checkpoint.pt", "log.parquet", "mined.parquet", "rois.parquet")]


def test_a_state_with_a_wrong_bit_is_refused_and_the_right_one_still_good(data, tmp_path, capsys):
    assert train(data, tmp_path / "whole") == 0
    state = stopped(data, tmp_path / "cut")
    whole, draw = state.read_bytes(), random.Random(0)
    for _ in range(4):
        bit = draw.randrange(len(whole) * 2, len(whole) * 6)  # in the middle, where the numbers are
        wrong = bytearray(whole)
        wrong[bit // 8] ^= 1 << bit % 8
        state.write_bytes(wrong)
        assert train(data, tmp_path / "cut") == 2
        error = capsys.readouterr().err
        assert f"{state}: cut short, damaged" in error
        assert "delete it, and the same command trains from the beginning" in error
        assert not (tmp_path / "cut" / "checkpoint.pt").exists()
    state.write_bytes(whole)
    assert train(data, tmp_path / "cut") == 0
    assert outputs(tmp_path / "cut") == outputs(tmp_path / "whole")


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"lr": 0.02}, "scales.demo.train.lr: trained with 0.02, wanted 0.01"),
        ({"seed": 1}, "seed: trained with 1, wanted 0"),
    ],
    ids=str,
)
def test_the_state_of_another_run_is_refused(data, tmp_path, capsys, other, said):
    own, foreign = stopped(data, tmp_path / "a"), stopped(data, tmp_path / "b", **other)
    shutil.copy(foreign, own)
    assert train(data, tmp_path / "a") == 2
    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error
    assert not (tmp_path / "a" / "checkpoint.pt").exists()


def test_the_state_of_other_inputs_or_code_is_refused(data, tmp_path, capsys, monkeypatch):
    own = stopped(data, tmp_path)
    real = sources.fingerprint
    monkeypatch.setattr(sources, "fingerprint", lambda *steps: "other code" + real(*steps))
    foreign = stopped(data, tmp_path)
    assert foreign != own
    shutil.copy(own, foreign)
    assert train(data, tmp_path) == 2
    assert f"{foreign}: the state of a run with other inputs, code or precision" in capsys.readouterr().err


def test_the_code_of_a_state_is_all_that_decides_a_number():
    files = {file.relative_to(sources.SRC / "sohem").as_posix() for file in sources.of_steps("train")}
    assert {"boxes.py", "randomness.py", "datasets/images.py", "settings.py", "training/states.py"} <= files


def test_what_was_loaded_is_let_go_of_before_training(data, tmp_path, monkeypatch):
    stopped(data, tmp_path)
    seen, alive = [], []
    load, batch_loss = checkpoint.load, loop.batch_loss

    def noting(*args):
        content = load(*args)
        seen.extend(weakref.ref(tensor) for tensor in content["run"]["model"].values())
        assert {tensor.device.type for tensor in content["run"]["model"].values()} == {"cpu"}
        return content

    def counting(*args):
        alive.append(sum(ref() is not None for ref in seen))
        return batch_loss(*args)

    monkeypatch.setattr(checkpoint, "load", noting)
    monkeypatch.setattr(loop, "batch_loss", counting)
    assert train(data, tmp_path) == 0
    assert len(seen) > 10
    assert set(alive) == {0}


def test_old_states_are_named_and_removed_on_demand(data, tmp_path, capsys):
    old = [stopped(data, tmp_path, lr=0.02), stopped(data, tmp_path, lr=0.03)]
    left = old[0].with_name(".state.abcd1234.tmp.pt")
    with left.open("wb") as file:
        file.truncate(10**9)
    notes, users = old[1].with_name("notes.txt"), tmp_path / "state" / "kept" / "state.pt"
    users.parent.mkdir()
    for file in (notes, users):
        file.write_text("the user's")
    capsys.readouterr()
    own = stopped(data, tmp_path)
    said = capsys.readouterr().err
    assert "2 old states (1.01 GB) of other settings, inputs, code or packages" in said
    assert all(str(path.parent) in said for path in old)
    assert str(own.parent) not in said
    assert "give --remove-old-states" in said
    assert all(path.exists() for path in [*old, left])

    assert train(data, tmp_path, "--remove-old-states") == 0
    assert "removed 2 old states (1.01 GB)" in capsys.readouterr().err
    assert not any(path.exists() for path in [*old, left])
    assert notes.exists()
    assert users.exists()
    assert train(data, tmp_path) == 0
    assert "old state" not in capsys.readouterr().err


HOLDER = """
import sys
from pathlib import Path
from sohem.training import states
with states.held(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_state_that_a_living_process_uses_is_none_of_the_old_ones(tmp_path):
    used = tmp_path / ("0" * 16)
    command = [sys.executable, "-c", HOLDER, str(used)]
    other = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert other.stdout.readline() == "held\n"
    (used / "state.pt").write_text("a state")
    with states.held(tmp_path / ("1" * 16)), states.held(used):  # two trainings may share one
        pass
    assert states.others(tmp_path, "1" * 16) == []
    other.communicate("")
    assert states.others(tmp_path, "1" * 16) == [used]


def test_a_start_clears_what_a_kill_left_of_its_state(tmp_path):
    left = tmp_path / ".state.abcd1234.tmp.pt"
    left.write_text("half")
    with states.held(tmp_path):
        assert not left.exists()


def test_a_folder_that_cannot_be_written_is_named(data, tmp_path, capsys):
    (tmp_path / "state").write_text("a file")
    assert train(data, tmp_path) == 2
    error = capsys.readouterr().err
    assert "cannot be written (Not a directory); make it so, or give another folder as --state" in error
