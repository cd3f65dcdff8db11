#!/usr/bin/env python3
"""What README.md, docs/*.md and the manual page say is there.

    check_documents.py ROOT PROGRAM         options, links, files and names: a line for each that is not there, exit code 1 if any
    check_documents.py ROOT --commands DIR  the commands in the documents, a line each for tests/run/documents.sh:
                                            document, ranks, exit code, expected error or -, arguments quoted for a shell;
                                            options files shown in a document are written to DIR/document

A command is a line of a block that begins with ./engd or with mpirun and runs ./engd; one that begins with runs/ is a script of
that folder, and has the ranks 0. The error line of engd that follows a
command is its expected error, and then its exit code is 2. A block that begins "# name.opts" is that file.
An option is there if its name stands in the sources of engd or in the program and the libraries of PETSc and SLEPc.
"""
import pathlib
import re
import shlex
import subprocess
import sys

ROOT = pathlib.Path(sys.argv[1])
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "docs").glob("*.1"))]
FEW = 2  # iterations of a command


def blocks(text):
    """The code blocks of a document, fenced or indented without a blank line, as lists of lines; continued lines are one."""
    text = re.sub(r"\\\n\s*", "", text)
    found, block, fenced = [], [], False
    for line in [*text.split("\n"), "end"]:
        if line.strip().startswith("```"):
            fenced = not fenced
        elif fenced or line.startswith("    "):
            block.append(line if fenced else line[4:])
            continue
        if any(block):
            found.append(block)
        block = []
    return found


def program_arguments(line):
    """(ranks, arguments) of a command that runs ./engd, else None."""
    words = shlex.split(line, comments=True)
    ranks = 1
    if words[:1] == ["mpirun"]:
        if "-n" in words:
            ranks = int(words[words.index("-n") + 1])
        words = words[words.index("./engd"):] if "./engd" in words else []
    return (ranks, words[1:]) if words[:1] == ["./engd"] else None


def shortened(arguments):
    """The arguments, with few iterations for each optimiser that they name."""
    counts = {"-tao_max_it": None} | {a: None for a in arguments if re.fullmatch(r"-\w+_tao_max_it", a)}
    stages = arguments[arguments.index("-engd_stages") + 1].split(",") if "-engd_stages" in arguments else []
    counts |= {f"-{stage}_tao_max_it": None for stage in stages}
    return arguments + [word for name in counts for word in (name, str(FEW))]


def commands(directory):
    for path in DOCUMENTS:
        if path.suffix != ".md":
            continue
        place = pathlib.Path(directory) / path.name
        place.mkdir(parents=True)
        for block in blocks(path.read_text()):
            name = re.match(r"# ([\w-]+\.opts)\b", block[0])
            if name:
                (place / name[1]).write_text("\n".join(block) + "\n")
            for line, after in zip(block, block[1:] + [""]):
                if re.match(r"runs/\w+\.py ", line):
                    print("\t".join((path.name, "0", "0", "-", shlex.join(shlex.split(line, comments=True)))))
                run = program_arguments(line) if re.match(r"(\./engd|mpirun) ", line) else None
                if run:
                    error = after.strip() if after.startswith("engd: ") else "-"
                    words = run[1] if {"-help", "-version"} & set(run[1]) else shortened(run[1])
                    print("\t".join((path.name, str(run[0]), "0" if error == "-" else "2", error, shlex.join(words))))


def is_option(name, literals, libraries):
    """Does something read this option."""
    if name in literals or f"{name}\0".encode() in libraries:
        return True
    for prefix in ("exact_", "ansatz_", "log_", "mat_"):
        if name.startswith("-" + prefix):
            return True
    # -TERM_residual, -REGION_where, -NETWORK_layers: a name of the user's, then a suffix that is declared alone
    head, _, suffix = name[1:].partition("_")
    while suffix:
        if "-" + suffix in literals and re.match(r"(region|points|sampler|residual|energy|numerator|denominator|integral|local|log_psi|walk|bound|measure|weight|resample|adapt|causal|multipliers|random|maximise|where|of|level_set|integrand|"
                                                 r"outputs|inputs|layers|type|activation|init)",
                                                 suffix):
            return True
        if re.match(r"(tao|ksp|pc|engd_max)_", suffix):
            return is_option("-" + suffix, literals, libraries)
        head, _, suffix = suffix.partition("_")
    return False


def slug(heading):
    """The anchor of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def check(program):
    sources = "\n".join(p.read_text() for p in (ROOT / "src").rglob("*.[ch]"))
    sources = re.sub(r"'\\?\"'", "", sources)  # a quote that is a character begins no text
    strings = re.findall(r'"(?:[^"\\]|\\.)*"', sources + "\n".join(p.read_text() for p in (ROOT / "examples").rglob("*.c")))
    literals = set(re.findall(r"-[a-zA-Z]\w*", " ".join(strings)))
    of_both = re.findall(r'"-tao_%s_(\w+)"|ReadReal\(PetscOptionsObject, "(\w+)"', sources)  # of -tao_adam_ and -tao_sgd_
    literals |= {f"-tao_{type_}_{one or other}" for type_ in ("adam", "sgd") for one, other in of_both}
    linked = subprocess.run(["ldd", program], capture_output=True, text=True).stdout
    libraries = b"".join(pathlib.Path(p).read_bytes() for p in [program, *re.findall(r"=> (\S*lib(?:petsc|slepc)\S*)", linked)])
    faults = []
    for path in DOCUMENTS:
        text = path.read_text()
        name = path.relative_to(ROOT)
        if path.suffix == ".1":
            text = re.sub(r"\\f[BIRP]", "", text).replace("\\-", "-")
        code = re.sub(r"(?m)^\| `.*?` \|", "", text) if path.name == "language.md" else text
        for option in sorted(set(re.findall(r"(?<![\w.\-<>/)\]])-[a-z][a-z0-9]+_\w+(?![\w.]*\()", code))):
            if not option.endswith("_") and option != "-lhdf5_hl" and not is_option(option, literals, libraries):  # a library
                faults.append(f"{name}: {option} is read by nothing")
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            file, _, anchor = target.partition("#")
            if "://" in file:
                continue
            goal = (path.parent / file) if file else path
            if not goal.exists():
                faults.append(f"{name}: {target} is not there")
            elif anchor and anchor not in {slug(h) for h in re.findall(r"(?m)^#+ (.*)$", goal.read_text())}:
                faults.append(f"{name}: {target} has no such heading")
        for file in sorted(set(re.findall(r"(?:`|(?m:^    ))((?:src|runs|options|examples|docs|tests|include)/[\w./-]+)(?=[` ])", text))):
            if not file.startswith("runs/out") and not (ROOT / file).exists() and not list(ROOT.glob(file + ".*")):
                faults.append(f"{name}: {file} is not there")
    faults += [*incomplete(sources), *unsaid(sources)]
    version = re.search(r'ENGD_VERSION "([\d.]+)"', (ROOT / "include/engd.h").read_text())[1]
    for file, words in (("docs/engd.1", f'"engd {version}"'), ("CITATION.cff", f"version: {version}"),
                        ("README.md", f"version = {{{version}}}")):
        if words not in (ROOT / file).read_text():
            faults.append(f"{file}: the version is {version}")
    print("\n".join(faults) or "documents: every option, link, file and name is there")
    return 1 if faults else 0


def unsaid(sources):
    """Messages of the table of errors of which no three words in a row stand in the sources or in what tests expect."""
    tests = "".join((ROOT / "tests" / f).read_text() for f in ("unit/test_expression_errors.c", "run/bad_input.sh"))
    plain = lambda text: re.sub(r"[^a-z]+", " ", re.sub(r"%[-.*0-9]*l?[a-z]\b", " ", text.lower())).split()
    said = " " + " ".join(plain(re.sub(r'" PetscInt_FMT "|"\s*"', "", sources + tests))) + " "
    for message in re.findall(r"(?m)^\| `(.*?)` \|", (ROOT / "docs/language.md").read_text().split("## Errors and what they mean")[1]):
        words = plain(re.sub(r"'[^']*'", " ", message))
        some = min(3, len(words))
        if not any(f" {' '.join(words[i:i + some])} " in said for i in range(len(words) - some + 1)):
            yield f"docs/language.md: no error says: {message}"


def incomplete(sources):
    """What the references must name and do not."""
    expression = "".join((ROOT / "src/problem/expression" / f).read_text() for f in ("functions.c", "call.c"))
    wanted = {
        "language.md": set(re.findall(r'\{"(\w+)", \d, ', expression))
        | set(re.findall(r'ENGD_REGISTER_(?:DOMAIN|SAMPLER|NETWORK|ACTIVATION|FUNCTION)\("(\w+)"', sources)),
        "methods.md": set(re.findall(r'ENGD_REGISTER_(?:DIRECTION|STEP|CURVATURE|PC|TAO)\("(\w+)"', sources)),
    }
    for document, names in wanted.items():
        text = (ROOT / "docs" / document).read_text()
        for name in sorted(names):
            if not re.search(rf"`[^`\n]*\b{name}\b", text):
                yield f"docs/{document}: {name} is not explained"
        if len(names) < 10:
            yield f"docs/{document}: the sources name only {len(names)} types, so this test reads them wrongly"
    # options, those of terms and networks by what stands behind the name; -engd_version is what -version becomes
    text = "".join(path.read_text() for path in DOCUMENTS)
    declared = set(re.findall(r'(?:Petsc|Engd)Options\w+\(\s*(?:PetscOptionsObject,\s*)?"-(\w+)"', sources)) - {"engd_version"}
    for option in sorted(declared):
        if not re.search(rf"(?<!\w)-(\w+_)?{option}\b", text):
            yield f"docs: -{option} is not explained"
    if len(declared) < 100:
        yield f"docs: the sources declare only {len(declared)} options, so this test reads them wrongly"


if sys.argv[2] == "--commands":
    commands(sys.argv[3])
else:
    sys.exit(check(sys.argv[2]))
