"""Pinned instruction sets: which switches are set and when, and what is recorded of a processor."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from sohem import cli, instructions, processor

INTEL = """\
processor\t: 0
vendor_id\t: GenuineIntel
cpu family\t: 6
model\t\t: 60
model name\t: Some CPU @ 2.0GHz
stepping\t: 3
flags\t\t: fpu sse2 avx avx2 fma

processor\t: 1
model name\t: Another CPU
flags\t\t: fpu avx512f
"""


@pytest.fixture
def listing(tmp_path: Path) -> Path:
    path = tmp_path / "cpuinfo"
    path.write_text(INTEL)
    return path


def given(**changes: str) -> str:
    return json.dumps({"scale": "demo", "scales": {"demo": {"device": "cpu", "instructions": "avx2", **changes}}})


def test_what_a_processor_says_of_itself(listing: Path, tmp_path: Path) -> None:
    for number, (level, kind, size) in enumerate([("1", "Data", "32K"), ("2", "Unified", "1024K")]):
        cache = tmp_path / "cache" / f"index{number}"
        cache.mkdir(parents=True)
        for part, value in {"level": level, "type": kind, "size": size}.items():
            (cache / part).write_text(f"{value}\n")
    assert processor.name(listing) == "Some CPU @ 2.0GHz"
    assert processor.describe(listing, tmp_path / "cache") == {
        "vendor": "GenuineIntel",
        "family": 6,
        "model": 60,
        "stepping": 3,
        "avx2": True,
        "fma": True,
        "avx512f": False,
        "caches": {"L1 data": "32K", "L2": "1024K"},
    }
    assert processor.has("avx2", "fma", listing=listing) is True
    assert processor.has("avx2", "avx512f", listing=listing) is False


def test_a_system_that_tells_nothing(tmp_path: Path) -> None:
    absent = tmp_path / "absent"
    assert processor.name(absent)  # whatever the system calls it
    assert processor.has("avx2", listing=absent) is None
    assert set(processor.describe(absent, absent).values()) == {None}


def test_what_the_parameters_ask_for(tmp_path: Path) -> None:
    assert instructions.wanted(given()) == "avx2"
    assert instructions.wanted(given(instructions="native")) == "native"
    assert instructions.wanted(given(device="cuda")) is None
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(json.loads(given())))
    assert instructions.wanted(tmp_path / "params.yaml") == "avx2"


@pytest.mark.parametrize("source", ["{", "{}", '{"scale": "demo", "scales": 3}', "absent.yaml", "."])
def test_parameters_that_cannot_be_read_are_left_to_the_step(source: str) -> None:
    assert instructions.wanted(source) is None


def test_every_switch_is_set_for_avx2() -> None:
    environment: dict[str, str] = {}
    assert instructions.pin("avx2", able=True, environment=environment) == []
    assert environment == {
        "ATEN_CPU_CAPABILITY": "avx2",
        "ONEDNN_MAX_CPU_ISA": "AVX2",
        "MKL_CBWR": "COMPATIBLE",
        "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
        "OPENBLAS_CORETYPE": "Haswell",
    }


@pytest.mark.parametrize("chosen", ["native", None])
def test_torch_is_left_alone_for_native(chosen: str | None) -> None:
    environment: dict[str, str] = {}
    assert instructions.pin(chosen, able=True, environment=environment) == []
    assert set(environment) == set(instructions.NUMPY)


def test_what_the_user_has_set_wins_and_is_named() -> None:
    environment = {"MKL_CBWR": "AVX2", "ONEDNN_MAX_CPU_ISA": "AVX2"}
    assert instructions.pin("avx2", able=True, environment=environment) == [
        "instructions: MKL_CBWR=AVX2 was set before and stays (pinned would be COMPATIBLE)"
    ]
    assert environment["MKL_CBWR"] == "AVX2"
    assert environment["ATEN_CPU_CAPABILITY"] == "avx2"


@pytest.mark.parametrize(("able", "why"), [(False, "this CPU has no AVX2"), (None, "the system does not tell")])
def test_a_cpu_without_avx2_runs_unpinned_and_the_log_says_so(able: bool | None, why: str) -> None:
    environment: dict[str, str] = {}
    (line,) = instructions.pin("avx2", able=able, environment=environment)
    assert why in line
    assert instructions.pin("native", able=able, environment=environment) == []
    assert environment == {}


def test_every_step_that_depends_on_them_is_pinned() -> None:
    from sohem import params

    assert set(instructions.STEPS) == {
        step for step, keys in params.STEP_KEYS.items() if "scales.{scale}.instructions" in keys
    }


def test_the_command_line_pins_its_own_process_only(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[str] = []
    monkeypatch.setattr(cli, "pin", lambda step, argv: called.append(step))
    assert cli.main(["split", "--params", "absent.yaml", *missing(cli.build_parser("split"))]) == 2
    assert called == []
    monkeypatch.setattr(sys, "argv", ["sohem", "split", "--params", "absent.yaml", *missing(cli.build_parser("split"))])
    assert cli.main() == 2
    assert called == ["split"]


def missing(parser) -> list[str]:
    """Words for each required option of a step."""
    (steps,) = (action for action in parser._actions if action.dest == "step")
    return [w for a in steps.choices["split"]._actions if a.required for w in (a.option_strings[0], "voc")]


def test_it_is_done_before_torch_and_numpy_are_there() -> None:
    said = (
        "import sys; from sohem import cli; cli.pin('train', ['train', '--params', sys.argv[1]]);"
        "import os; print(sorted({'torch', 'numpy'} & set(sys.modules)), os.environ.get('ATEN_CPU_CAPABILITY'))"
    )
    done = subprocess.run([sys.executable, "-c", said, given()], capture_output=True, text=True, check=True)
    assert done.stdout == ("[] avx2\n" if processor.has("avx2", "fma") else "[] None\n")
