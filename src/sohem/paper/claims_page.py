"""The verdicts and the audit as one Markdown page, for a reader who has not read the paper."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from sohem.markdown import one_line
from sohem.paper import testset
from sohem.paper.audit_finding import Finding
from sohem.paper.claims_reasons import NOTHING_THERE, TOO_LITTLE
from sohem.paper.claims_verdicts import INCONCLUSIVE, NO_LARGER, NOT_SUPPORTED, SUPPORTED
from sohem.paper.tables import of_text as _table

ABOUT = (
    "The paper (Li et al. 2017) says that S-OHEM, which picks the training examples of an object detector with a "
    "growing weight on how badly boxes are placed, beats its predecessor OHEM. Each line below is one of its claims, "
    "measured in the runs of this repository. A box counts as found where it overlaps the true one by more than the "
    "IoU threshold; AP is the average precision of a class at such a threshold, mAP its mean over the classes, both in "
    "percent. Rigid classes are things that do not bend: cars and chairs, not cats and people. The last columns hold "
    "the numbers that the paper prints and our figure or table."
)
MEANING = {
    SUPPORTED: "the whole interval of what was measured lies on the claimed side",
    NOT_SUPPORTED: "the whole interval lies on the other side",
    NO_LARGER: "the interval holds 0, and a difference as large as the x that the paper prints is excluded either way "
    "(two one-sided tests at 5 %; of a loss, of which the paper prints none, x is a share of OHEM's that claims.yaml "
    "names)",
    INCONCLUSIVE: "the interval holds both sides, there were too few runs, or the evidence is missing",
}
# unit -> how a number is shown, and the word after it
FORMATS = {
    "points": ("+.2f", " points"),
    "loss per RoI": ("+.4f", ""),
    "times": (".2f", " times"),
    "classes": ("d", " classes"),
}


def page(
    claims: Sequence[Mapping[str, Any]],
    findings: Sequence[Finding],
    notice: str,
    overlap: Sequence[str] = (),
    setting: str = "",
    left_out: Sequence[Mapping[str, str]] = (),
) -> str:
    """The page: a summary, the verdicts by topic, the test set, the audit of the printed numbers, what was measured.

    Args:
        overlap: how far the methods choose the same examples, in sentences; they come first.
        setting: what the runs are in place of the paper's (``setting.Words.verdicts``); empty where nothing differs.
        left_out: the claims that do not apply, see ``claims_file.held_against``.
    """
    first, _, rest = one_line(setting).partition(". ")
    parts = [
        f"# Which claims of the S-OHEM paper hold in these runs? ({notice})",
        *([f"**{first}.** {rest}"] if setting else []),
        ABOUT,
        *map(one_line, overlap),
        f"Of {len(claims)} claims{' that apply' if left_out else ''} (no verdict is written by hand):",
        "\n".join(_summary(word, [claim for claim in claims if claim["verdict"] == word]) for word in MEANING),
    ]
    heads = ["claim", "verdict", "claimed", "found here [interval]", "printed in the paper", "see"]
    for topic, group in itertools.groupby(claims, key=lambda claim: claim["topic"]):
        rows = [
            [
                f"{claim['sentence']} ({claim['place']})",
                f"**{verdict(claim)}**{mark(claim)}: {claim['reason']}",
                claimed(claim),
                found(claim),
                printed(claim),
                f"[{claim['artifact'].rpartition('.')[0]}]({claim['artifact']})" if claim["artifact"] else "",
            ]
            for claim in group
        ]
        parts += [
            f"## {topic}",
            _table(heads, rows),
        ]
    if left_out:
        parts += [
            "## Claims that do not apply here",
            "\n".join(f"- {one_line(line)}" for line in not_applicable(left_out)),
        ]
    parts += _test_set(testset.section())
    parts += _audit(findings)
    parts += [
        "## What exactly is measured",
        "\n".join(one_line(f"- `{claim['id']}`: {claim['statement']}. {_details(claim)}").rstrip() for claim in claims),
    ]
    return "\n\n".join(parts) + "\n"


def _summary(word: str, claims: Sequence[Mapping[str, Any]]) -> str:
    """A line for one verdict: how many, what it means, and, unless nothing was decided, which."""
    verb = ":" if word == NO_LARGER else " is" if len(claims) == 1 else " are"
    head = f"- **{len(claims)}{verb} {word}**: {MEANING[word]}."
    if word != INCONCLUSIVE:
        return head + "".join(f"\n  - {one_line(sentence(claim))}" for claim in claims)
    short = sum("runs" in n and n["runs"] < n["runs_needed"] for n in (claim["numbers"] for claim in claims))
    for why, more in ((NOTHING_THERE, " the size that is named"), (TOO_LITTLE, "")):
        count = sum(claim["reason"].startswith(why) for claim in claims)
        head += f" For {count} of them: {why}{more}." if count else ""
    return head + (f" {short} of them need more runs: see `run.seeds` in params.yaml." if short else "")


def sentence(claim: Mapping[str, Any]) -> str:
    """The claim as the paper makes it, with the setting that its verdict is about."""
    return claim["sentence"] + (f" ({claim['setting']})" if "setting" in claim else "")


def mark(claim: Mapping[str, Any]) -> str:
    """What stands beside a verdict that is not about the paper's own setting: " (demonstration)"; empty for others."""
    marks = [
        *(["demonstration"] if claim["demonstration"] else []),
        *([claim["setting"]] if "setting" in claim else []),
    ]
    return f" ({', '.join(marks)})" if marks else ""


def not_applicable(left_out: Sequence[Mapping[str, str]]) -> list[str]:
    """A line for each reason why claims were left out, see ``claims_file.held_against``."""
    groups: dict[str, list[str]] = {}
    for claim in left_out:
        groups.setdefault(claim["reason"], []).append(f"{claim['sentence']} ({claim['place']})")
    return [f"{reason[0].upper()}{reason[1:]}: {'; '.join(named)}." for reason, named in groups.items()]


def verdict(claim: Mapping[str, Any]) -> str:
    """The verdict as it is shown, with its size: "no difference larger than 1.6 points"."""
    if claim["verdict"] != NO_LARGER:
        return claim["verdict"]
    return f"{NO_LARGER.removesuffix('x')}{abs(claim['numbers']['size']):.3g} {claim['numbers']['unit']}"


def claimed(claim: Mapping[str, Any]) -> str:
    """What must come out for the claim to hold; empty where nothing could be measured."""
    numbers = claim["numbers"]
    if numbers.get("unit") == "classes":
        return f"at least {numbers['needed']}"
    return f"{numbers['direction']} {numbers['bound']:g}" if "bound" in numbers else ""


def printed(claim: Mapping[str, Any]) -> str:
    """What the paper prints for a claim, each number with the places where it stands."""
    places: dict[float, list[str]] = {}
    for place, value in claim["numbers"].get("printed", {}).items():
        places.setdefault(value, []).append(place)
    return "; ".join(f"{value:+g} ({', '.join(where)})" for value, where in places.items())


def found(claim: Mapping[str, Any]) -> str:
    """The measured number of a claim with its interval; empty where nothing could be measured."""
    numbers = claim["numbers"]
    if "value" not in numbers:
        return "nothing"
    form, word = FORMATS[numbers["unit"]]
    text = f"{numbers['value']:{form}}" + (f" of {numbers['classes']}" if numbers["unit"] == "classes" else "")
    if "second" in numbers:
        word += f", {numbers['second']:.4f} against {numbers['first']:.4f}"
    interval = claim["interval"]
    return text + ("" if interval is None else f" [{interval[0]:{form}}, {interval[1]:{form}}]") + word


def _test_set(section: testset.Section) -> list[str]:
    return [f"## {section.title}", section.text, _table(section.heads, section.rows),
            "\n".join(f"- {line}" for line in section.sources)]  # fmt: skip


def _audit(findings: Sequence[Finding]) -> list[str]:
    wrong, right = ([f for f in findings if f.agrees == agrees] for agrees in (False, True))
    parts = [
        "## Do the paper's own numbers fit each other?",
        "These checks need no run: they compare the printed tables with each other, with the text and with the "
        f"formulas. {len(wrong)} of {len(findings)} findings are disagreements that rounding cannot explain.",
    ]
    for title, chosen in (("### What does not fit", wrong), ("### What fits", right)):
        if chosen:
            parts += [title, _table(["place", "finding"], [[f.place, f.finding] for f in chosen])]
    return parts


def _details(claim: Mapping[str, Any]) -> str:
    interval = f"Interval: {claim['interval_is']}." if claim["interval"] else ""
    return " ".join(part for part in (claim["note"], interval) if part)
