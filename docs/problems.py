#!/usr/bin/env python3
"""Writes docs/problems.md, the table of all options files, from the comment at the head of each.

    docs/problems.py            writes the table anew (make problems)
    docs/problems.py --check    says whether it is up to date; exit code 1 if it is not

A file's first sentence says what it is. Its seconds are the first number before "s", "seconds" or "minutes" in the comment,
its error the first number after "relative L2 error", or else after "error"; a file that does not say them has a dash. A new
folder below options/ is a new table.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
TABLE = ROOT / "docs" / "problems.md"
NUMBER = r"(?:\d[\d.]*|two|three|four|five|six|seven|eight|nine|ten|fifteen|twenty|thirty)"
SECONDS = re.compile(rf"\b({NUMBER}(?:\s+to\s+{NUMBER})?\s+(?:s|seconds?|minutes?))\b")
ERRORS = [re.compile(begin + r"[^.;]*?(\d(?:\.\d+)?e-\d+)") for begin in (r"relative\s+L2\s+error\b", r"\berrors?\b")]
FOLDERS = {
    "": "Problems with their options, each as `-options_file NAME`. Seconds are of the machine that the file names, else of about one idle core.",
    "suite": "Problems that are stated and not tuned, as `-options_file suite/NAME`; what came out is in [untuned](../runs/untuned.md).",
    "optimisers": "Methods, to be put after a problem: `-options_file poisson.opts -options_file optimisers/NAME`; "
                  "what came out is in [compare](../runs/compare.md).",
}


def comment(path):
    """The lines at the head of a file that begin with #, as one line."""
    lines = []
    for line in path.read_text().splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.lstrip("#").strip())
    return " ".join(lines)


def described(text):
    """What a comment says: the first sentence without its cost, the seconds, the error."""
    first = re.split(r"(?<=[\w)]\.)(?<!\bal\.)\s+(?=[A-Z\d-])", text)[0].rstrip(".")
    clauses = re.split(r";\s+", first)
    kept = [c for i, c in enumerate(clauses) if i == 0 or not (SECONDS.search(c) or ERRORS[1].search(c))]
    seconds, error = SECONDS.search(text), ERRORS[0].search(text) or ERRORS[1].search(text)
    return "; ".join(kept), seconds[1] if seconds else "-", error[1] if error else "-"


def row(cells):
    return "| " + " | ".join(re.sub(r"([|*<])", r"\\\1", c) for c in cells) + " |"


def table():
    options = ROOT / "options"
    out = ["# Options files", "",
           "Made by `make problems` from the first comment of each file. Errors are relative L2 errors on points never trained on."]
    folders = sorted({p.parent.relative_to(options) for p in options.rglob("*.opts")}, key=lambda f: (len(f.parts), f.name != "suite", f))
    for folder in folders:
        name = "" if folder == pathlib.Path(".") else folder.as_posix()
        out += ["", f"## options/{name}".rstrip("/"), "", FOLDERS.get(name, f"As `-options_file {name}/NAME`."), ""]
        files = [(p.name, *described(comment(p))) for p in sorted((options / folder).glob("*.opts"))]
        head = ["file", "problem" if name != "optimisers" else "method", "seconds", "error"]
        width = 4 if any(f[2:] != ("-", "-") for f in files) and name != "optimisers" else 2
        out += [row(head[:width]), "|---" * width + "|"]
        out += [row((f"`{f[0]}`", *f[1:width])) for f in files]
    return "\n".join(out) + "\n"


new = table()
if sys.argv[1:] == ["--check"]:
    if not TABLE.exists() or TABLE.read_text() != new:
        sys.exit("docs/problems.md is not up to date with the comments of the options files: make problems")
else:
    TABLE.write_text(new)
