#!/usr/bin/env python3
"""`make bench`: the tables of the benches, as JSON, against those that were stored, by ratios to DGEMM in the same run.

    runs/bench.py [--store] PROGRAM ...      each program prints lines and one table whose head are names and whose rows are numbers

All tables go to runs/out/bench.json; --store keeps them as runs/out/bench-stored.json, which later runs are compared with. Rates
are taken over that of the large DGEMM, seconds in units of the DGEMM of that line; what is more than a tenth worse is said.
"""
import json
import os
import subprocess
import sys

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "out")
KEYS = {"d", "w", "rows", "columns", "order"}
RATES = {"product": "large", "gradient": "large", "several": "large"}
TIMES = {"truncated": "gemm", "factored": "gemm"}


def number(word):
    try:
        return float(word.rstrip("%"))
    except ValueError:
        return None


def table(text):
    """rows as {name: number}: of the lines with as many numbers as the last line of names above them has"""
    names, rows = [], []
    for line in text.splitlines():
        words = line.split()
        numbers = [number(w) for w in words]
        if words and None not in numbers and len(numbers) == len(names):
            rows.append(dict(zip(names, numbers)))
        elif words and all(n is None for n in numbers):
            names = words
    return rows


def ratios(row):
    """larger is better"""
    found = {n: row[n] / row[g] for n, g in RATES.items() if n in row and row.get(g)}
    found.update({n: row[g] / row[n] for n, g in TIMES.items() if row.get(n) and g in row})
    return found


def key(name, row):
    return name + " " + " ".join(f"{k}={row[k]:g}" for k in row if k in KEYS)


def main(words):
    store = "--store" in words
    programs = [w for w in words if w != "--store"]
    if not programs:
        sys.exit(__doc__)
    launcher = os.environ.get("MPIEXEC", "mpirun").split()
    result = {}
    for program in programs:
        text = subprocess.run(launcher + ["-n", "1", program], stdout=subprocess.PIPE, text=True, check=True).stdout
        print(text, end="", flush=True)
        for row in table(text):
            result[key(os.path.basename(program), row)] = row
    os.makedirs(OUT, exist_ok=True)
    stored = os.path.join(OUT, "bench-stored.json")
    with open(stored if store else os.path.join(OUT, "bench.json"), "w") as file:
        json.dump(result, file, indent=1)
    if store or not os.path.exists(stored):
        return
    with open(stored) as file:
        before = json.load(file)
    print("against runs/out/bench-stored.json, ratios to DGEMM:")
    for name, row in result.items():
        old = ratios(before.get(name, {}))
        for what, ratio in ratios(row).items():
            if what in old:
                print(f"  {name} {what}: {ratio:.3f}, was {old[what]:.3f}{'  slower' if ratio < 0.9 * old[what] else ''}")


if __name__ == "__main__":
    main(sys.argv[1:])
