"""The command line: ``sohem <step>``. Each step is a module of ``sohem.commands`` and can be run by hand."""

import argparse
import importlib
import sys

from sohem.errors import SohemError

# In the order in which the pipeline runs them. Modules are imported only when needed: torch alone takes seconds.
STEPS = {
    "fetch": "bring a data set's files into place (generate the miniature, or check the tree of the user)",
    "split": "read a data set's annotations and write its split and ground-truth table",
    "pretrain": "train the small backbone as a classifier on generated crops",
    "propose": "find proposals by selective search on a chunk of a data set's images",
    "merge-proposals": "join the chunks of proposals and measure their recall",
    "train": "train a detector with one mining method",
    "detect": "run a trained detector over the test images",
    "evaluate": "measure average precision of stored detections",
    "difference": "compare two methods on the same test images, with intervals and p-values",
    "interval": "measure how sure the average precision of one method is",
    "testset": "measure how small a difference a test set can show, from stored detections of two detectors",
    "overlap": "work out how far the methods agree on which examples to train",
    "artifact": "make a figure, a table or a sheet of images from finished runs",
    "published": "write a table with the numbers that the paper printed",
    "claims": "hold the paper's claims against finished runs, and its numbers against each other",
    "report": "make one page with everything that was found out",
    "compare": "put the results of two commits side by side, with the parameters that changed",
}


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
                default="params.yaml",
                metavar="FILE",
                help="parameters: a YAML file, or a JSON string with the part that this step needs "
                "(default: params.yaml)",
            )
            module.add_arguments(sub)
            sub.set_defaults(run=module.run)
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run one step; returns the exit status: 0, or 2 for a mistake of the user's, or 130 after Ctrl-C."""
    argv = sys.argv[1:] if argv is None else argv
    step = next((word for word in argv if word in STEPS), None)
    try:
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
