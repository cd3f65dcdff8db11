#!/usr/bin/env python3
"""Condition against the number of features, and sharpness along gradient descent and behind its flow: preconditioning.py CONDITIONS.csv EDGE.csv PICTURE.png"""
import csv
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

conditions, edge, picture = sys.argv[1:]
rows = list(csv.DictReader(open(conditions, newline="")))
figure, axes = plt.subplots(1, 3, figsize=(11, 3.3), layout="constrained")
for axis, problem, title in ((axes[0], "variable-pinn", "condition, residual (Hermitian square)"), (axes[1], "variable-ritz", "condition, energy")):
    for way in dict.fromkeys(row["way"] for row in rows):
        points = [(int(row["K"]), float(row["condition"])) for row in rows if row["problem"] == problem and row["way"] == way]
        axis.loglog(*zip(*points), ".-", label=way)
    axis.set(xlabel="features K", title=title)
    axis.legend(frameon=False, fontsize=7)
rows = [row for row in csv.DictReader(open(edge, newline="")) if row["problem"] == "fit" and row["after_flow"]]
for name, label in (("sharpness", "gradient descent"), ("after_flow", "end of the flow from it")):
    axes[2].semilogx([int(row["k"]) for row in rows], [float(row[name]) for row in rows], ".-", label=label)
axes[2].axhline(10, color="grey", linewidth=0.8)
axes[2].set(xlabel="steps of gradient descent", title="sharpness (grey: 2 / length of steps)")
axes[2].legend(frameon=False, fontsize=7)
for axis in axes:
    axis.grid(True, which="major", alpha=0.15)
    axis.spines[["top", "right"]].set_visible(False)
figure.savefig(picture, dpi=110)
