"""The command line: ``sohem <step>``. Each step is a module of ``sohem.commands`` and can be run by hand."""

import argparse
import importlib
import sys

from sohem.errors import SohemError

# In the order in which the pipeline runs them. Modules are imported only when needed: torch alone takes seconds.
STEPS = {
    "fetch": "bring a data set's files into place (generate the miniature, or check the tree of the user)",
    "split": "read a data set's annotations and write its split and ground-truth table",
    "pretrain": "train the small backbone as a detector on generated crops, or read published weights",
    "propose": "find proposals by selective search on a chunk of a data set's images",
    "merge-proposals": "join the chunks of proposals and measure their recall",
    "train": "train a detector with one mining method",
    "detect": "run a trained detector over the test images",
    "evaluate": "measure average precision of stored detections",
    "difference": "compare two methods on the same test images, with intervals and p-values",
    "interval": "measure how sure the average precision of one method is",
    "testset": "measure how small a difference a test set can show, from stored detections of two detectors",
    "overlap": "work out how far the methods agree on which examples to train",
    "power": "work out how small a difference finished runs can show, and what the paper's would take",
    "artifact": "make a figure, a table or a sheet of images from finished runs",
    "published": "write a table with the numbers that the paper printed",
    "claims": "hold the paper's claims against finished runs, and its numbers against each other",
    "report": "make one page with everything that was found out",
    "summary": "say in some lines what a run found, and how it agrees with the recorded one",
    "compare": "put the results of two commits side by side, with the parameters that changed",
}
PARAMS = "params.yaml"


def build_parser(step: str | None) -> argparse.ArgumentParser:
    """The parser; only the arguments of ``step`` are filled in (the other steps show their one-line help)."""
    parser = argparse.ArgumentParser(prog="sohem", description=__doc__)
    subparsers = parser.add_subparsers(dest="step", metavar="STEP", required=True)
    for name, summary in STEPS.items():
        sub = subparsers.add_parser(name, help=summary)
        if name == step:
            module = importlib.import_module(f"sohem.commands.{name.replace('-', '_')}")
            sub.description = module.__doc__
            sub.formatter_class = argparse.RawDescriptionHelpFormatter
            sub.add_argument(
                "--params",
                default=PARAMS,
                metavar="FILE",
                help="parameters: a YAML file, or a JSON string with the part that this step needs "
                "(default: params.yaml)",
            )
            module.add_arguments(sub)
            sub.set_defaults(run=module.run)
    return parser


def pin(step: str, argv: list[str]) -> None:
    """Set the switches of numerical libraries, which read them when they are imported."""
    from sohem import instructions, processor

    options = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    options.add_argument("--params", default=PARAMS)
    try:
        source = options.parse_known_args(argv)[0].params
    except argparse.ArgumentError:  # the step's own parser says so
        return
    chosen = instructions.wanted(source) if step in instructions.STEPS else None
    instructions.say(instructions.pin(chosen, processor.has("avx2", "fma")))


def main(argv: list[str] | None = None) -> int:
    """Run one step; returns the exit status: 0, or 2 for a mistake of the user's, or 130 after Ctrl-C.

    Args:
        argv: the arguments; None for those of this process, whose instruction sets are then pinned: a caller of this
            function may have imported torch before, and its own environment is not ours to change.
    """
    own, argv = argv is None, sys.argv[1:] if argv is None else argv
    step = next((word for word in argv if word in STEPS), None)
    try:
        if own and step is not None:
            pin(step, argv)
        args = build_parser(step).parse_args(argv)
        args.run(args)
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] in ("", "sohem"):
            raise
        print(
            f"sohem: error: the steps of the pipeline need {error.name}, which is not installed: "
            "pip install 'sohem[pipeline]', or in the repository: make demo",
            file=sys.stderr,
        )
        return 2
    except SohemError as error:
        print(f"sohem: error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("sohem: stopped", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
