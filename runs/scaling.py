#!/usr/bin/env python3
"""The model of runs/scaling.sh: seconds an iteration on P ranks from flops, numbers received and messages, fitted and extrapolated.

    seconds = flops * balance / (P rate) + 8 words(P) / bandwidth + messages(P) * latency

rate is fitted to the runs of one rank of each direction; words and messages of a rank are what the algorithms need (below), checked
against the collective operations that were counted; bandwidth and latency are those of the network in question: what is given, or else
fitted to what build/bench/messages measured between these ranks, messages.csv beside the table, or else assumed, 10 GB/s and 2 microseconds.

    runs/scaling.py [--bandwidth 1e10] [--latency 2e-6] runs/out/scaling.csv       the tables of runs/scaling.md
    runs/scaling.py --messages runs/out/messages.csv                               the fit of messages alone
"""
import argparse
import csv
import json
import math
import os
import re
import sys

PANEL = 64


def row(log, summary, direction, mode, ranks):
    """one line of the table, from -log_view and -engd_summary"""
    text = open(log).read()
    total = re.search(r"^Flops:\s+(\S+)\s+\S+\s+(\S+)\s+(\S+)", text, re.M)
    train = re.search(r"^ *\d+: +Train: +(\S+) +\S+ +(\S+) +\S+ +\S+ +\S+ +\S+ +\S+ +(\S+)", text, re.M)
    keys = json.load(open(summary))
    points = keys["points"]
    n = sum(points.values()) if isinstance(points, dict) else points
    print(direction, mode, ranks, keys["iterations"], train[1], train[2], f"{float(total[1]) / float(total[2]):.3f}",
          train[3], n, keys["parameters"], keys["krylov_iterations"], sep=",")


def traffic(direction, ranks, N, p, products):
    """numbers that a rank receives in an iteration, and messages one after the other"""
    steps = math.log2(ranks) if ranks > 1 else 0
    n, m = min(N, p), max(N, p)
    panels = math.ceil(n / PANEL)
    if ranks == 1:
        return 0, 0
    if direction == "krylov":  # a product: the vector to all, a sum of all, and three dot products
        return 2 * p * (products + 1), (products + 1) * 5 * steps
    if direction in ("dual", "dual32"):  # half of the rounds of the kernel, its transpose, panels of Cholesky, their solution
        rows = N * p / 2 if direction == "dual" else N * p / 4
        return rows + N * N / 2 / ranks + N * N / 2 + 2 * p, ranks / 2 + 3 * panels * steps
    if direction == "tsvd":  # rows to columns, panels of the first QR and of two of order 2n/3, vectors through them
        first = ranks * n * n / 2 if m / ranks >= n else m * n
        k = 2 * n / 3
        return m * n / ranks + first + 2 * k * k, (3 * panels + 4 * panels) * steps
    if direction == "eigen":  # a sum of matrices, and to tridiagonal form: vectors of each column, some 20 collectives (pdlatrd)
        return p * p / 2 + 4 * p * p / math.sqrt(ranks), 20 * p * steps
    return 2 * p * p + p * p / 2, 3 * panels * steps  # dense: a sum of matrices, panels of Cholesky


def seconds(case, rate, ranks, flops, N, bandwidth, latency):
    words, messages = traffic(case["direction"], ranks, N, case["p"], case["products"])
    return flops * case["balance"] / ranks / rate + 8 * words / bandwidth + messages * latency


def read(path):
    for line in csv.DictReader(open(path)):
        k = max(1, int(line["iterations"]))
        yield {"direction": line["direction"], "mode": line["mode"], "ranks": int(line["ranks"]),
               "seconds": float(line["seconds"]) / k, "flops": float(line["flops"]) / k, "balance": float(line["balance"]),
               "collectives": float(line["collectives"]) / k, "N": int(line["N"]), "p": int(line["p"]),
               "products": float(line["products"]) / k}


def fit_messages(path):
    """latency of one step and bandwidth: seconds of an operation = log2(ranks) latency + bytes / bandwidth, least relative squares"""
    lines = [(math.log2(int(line["ranks"])), float(line["bytes"]), float(line["least"])) for line in csv.DictReader(open(path))
             if int(line["ranks"]) > 1]
    if len({size for _, size, _ in lines}) < 2:
        return None
    ss, sb, bb, s1, b1 = (sum(f(steps / t, size / t) for steps, size, t in lines)
                          for f in (lambda x, y: x * x, lambda x, y: x * y, lambda x, y: y * y, lambda x, y: x, lambda x, y: y))
    determinant = ss * bb - sb * sb
    latency, per_byte = (bb * s1 - sb * b1) / determinant, (ss * b1 - sb * s1) / determinant
    if latency <= 0 or per_byte <= 0:
        return None
    worst = max(max(t / (steps * latency + size * per_byte), (steps * latency + size * per_byte) / t) for steps, size, t in lines)
    print(f"messages: {1e6 * latency:.3g} microseconds a step, {1e-9 / per_byte:.3g} GB/s, from {path}, "
          f"{len(lines)} sizes, the worst is off by a factor of {worst:.2g}\n")
    return latency, 1 / per_byte


def network(args):
    """latency and bandwidth: given, measured, or assumed"""
    path = os.path.join(os.path.dirname(args.csv), "messages.csv")
    fitted = (fit_messages(path) if os.path.exists(path) else None) or (2e-6, 1e10)
    return args.latency or fitted[0], args.bandwidth or fitted[1]


def main():
    if sys.argv[1:2] == ["--messages"] and len(sys.argv) == 3:
        return 0 if fit_messages(sys.argv[2]) else 1
    if len(sys.argv) > 1 and sys.argv[1] == "--row":
        return row(*sys.argv[2:])
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("csv")
    parser.add_argument("--bandwidth", type=float, help="bytes a second that a rank receives")
    parser.add_argument("--latency", type=float, help="seconds of a message")
    args = parser.parse_args()
    latency, bandwidth = network(args)
    cases = list(read(args.csv))
    base = {c["direction"]: c for c in cases if c["ranks"] == 1}
    rate = {d: c["flops"] / c["seconds"] for d, c in base.items()}
    print("| direction | mode | ranks | GF an iteration | largest over mean | s an iteration | of the model | collectives |")
    print("|---|---|---|---|---|---|---|---|")
    for c in cases:
        model = seconds(c, rate[c["direction"]], c["ranks"], c["flops"], c["N"], bandwidth, latency)
        print(f"| {c['direction']} | {c['mode']} | {c['ranks']} | {c['flops'] / 1e9:.2f} | {c['balance']:.3f} | "
              f"{c['seconds']:.2f} | {model:.2f} | {c['collectives']:.0f} |")
    print("\n| direction | rate of one rank, GF/s | " + " | ".join(f"{2 ** k} ranks" for k in (3, 6, 8, 10)) + " |")
    print("|---|---|---|---|---|---|")
    for d, c in base.items():
        cells = []
        for ranks in (8, 64, 256, 1024):
            even = dict(c, balance=1.0)
            t = seconds(even, rate[d], ranks, c["flops"], c["N"], bandwidth, latency)
            cells.append(f"{c['seconds'] / t:.0f} ({100 * c['seconds'] / t / ranks:.0f}%)")
        print(f"| {d} | {rate[d] / 1e9:.1f} | " + " | ".join(cells) + " |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
