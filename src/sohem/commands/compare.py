"""Compare the results of two commits, or of a commit with the working tree.

Shows the changed parameters, then for each data set the metrics of both sides by side with their differences; where DVC
still has the detections of both (or a remote brings them), each difference has a 95 % interval from a paired bootstrap
over the test images. Prints Markdown and writes a page for the browser. Nothing is run, and the files of the working
tree and of DVC stay as they are.
"""

import argparse
import sys
from pathlib import Path

from sohem import files, params


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``sohem compare``."""
    parser.add_argument("--revision", required=True, help="commit to compare: HEAD~1, a branch, a tag, a hash")
    parser.add_argument("--against", help="commit to compare it with (default: the working tree)")
    parser.add_argument(
        "--classes", action="store_true", help="print the AP of each class too (the page always has it)"
    )
    parser.add_argument("--out", type=Path, default=Path("compare.html"), help="page to write (default: compare.html)")


def run(args: argparse.Namespace) -> None:
    """Read both revisions, print the comparison, write the page."""
    # Here, since DVC and scipy take their time and --help needs neither.
    from sohem import pages
    from sohem.compare.gather import gather
    from sohem.compare.revision import Revision

    before, after = Revision(args.revision), Revision(args.against)
    # The code is the working tree's, so how it resamples is too.
    bootstrap = params.load(Path(before.root, args.params))["evaluation"]["bootstrap"]
    content = gather(before, after, bootstrap, args.params, say=lambda text: print(text, file=sys.stderr))
    files.write_text(args.out, pages.render("sohem.compare", "compare.html.j2", **content))
    print(pages.render("sohem.compare", "compare.md.j2", classes=args.classes, **content))
    print(f"The same as a page, class by class too: {args.out}")
