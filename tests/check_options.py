#!/usr/bin/env python3
"""Every option is declared with a sentence, since -help is the manual: check_options.py DIRECTORY.

An option is a call of PetscOptionsInt, ... or of a function of ours that begins (PetscOptionsObject, option, sentence);
the sentence has two words or more, or is the parameter `sentence` of such a function. An option that is read by
PetscOptionsGetInt, ... has no sentence at all and must not be, unless it is one of PETSc's, which declares it.
"""
import pathlib
import re
import sys

KINDS = r"(?:Int|Real|Scalar|Bool|String|Enum|EList|FList|Name|BoolGroup\w*|(?:Int|Real|Bool|String|Scalar|Enum)Array|Range\w+|Bounded\w+)"
STRING = r'"((?:[^"\\]|\\.)*)"'
declared = re.compile(r"\b(?:PetscOptions%s\(|(?!PetscOptionsHeadBegin)\w+\(\s*PetscOptionsObject\s*,)\s*([^,]+?)\s*,\s*(%s(?:\s*%s)*|[^,]*?)\s*," % (KINDS, STRING, STRING), re.S)
undeclared = re.compile(r"\bPetscOptionsGet(?!All\b|Viewer\b)\w+\((?!NULL, NULL, \"-(?:tao|ksp|pc|eps|svd|dll)_(?!engd|kfac|nystrom))")


def faults(path):
    """Yield (line, what is wrong)."""
    text = re.sub(r"/\*.*?\*/", lambda m: "\n" * m[0].count("\n"), path.read_text(), flags=re.S)
    line = lambda match: text.count("\n", 0, match.start()) + 1
    for call in declared.finditer(text):
        sentence = "".join(re.findall(STRING, call[2]))
        if len(sentence.split()) < 2 and call[2] != "sentence":
            yield line(call), f"option {call[1]} has no sentence: {call[2]}"
    for call in undeclared.finditer(text):
        yield line(call), f"{call[0]}...) reads an option that -help does not show"


bad = [(p, *f) for p in sorted(pathlib.Path(sys.argv[1]).rglob("*.c")) for f in faults(p)]
for path, number, what in bad:
    print(f"{path}:{number}: {what}")
sys.exit(bool(bad))
