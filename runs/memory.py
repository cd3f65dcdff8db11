#!/usr/bin/env python3
"""The estimate of memory that -tao_view prints against the largest resident set that was measured, direction by direction.

    runs/memory.py [--ranks 1 2] [--large]      half a minute of one core; --large: orders of some thousands, five minutes

    runs/memory.py --slope [--ranks 1 2 4]       bytes a parameter of networks of millions, a quarter of an hour

Writes tables as runs/memory.md has them, and fails where an estimate is further off than a fifth. ENGD: the program, ./engd.
"""
import argparse
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile

POISSON = "-options_file poisson.opts -engd_start none -tao_max_it 2 -engd_monitor false -engd_test_points 100"
CASES = {  # direction: options, small and large
    "krylov, kfac": ("-tao_engd_direction krylov -pc_type kfac -ksp_max_it 2 -pde_points 60 -wall_points 20",
                     "-network_layers 500,500,500", "-network_layers 1000,1000,1000,1000"),
    "krylov": ("-tao_engd_direction krylov -ksp_max_it 2 -pde_points 3000 -wall_points 400",
               "-network_layers 128,128,128", "-network_layers 400,400,400"),
    "tsvd": ("-tao_engd_direction tsvd -network_layers 40,40", "-pde_points 1400 -wall_points 300",
             "-pde_points 4000 -wall_points 500 -network_layers 50,50"),
    "dual": ("-tao_engd_direction dual -network_layers 64,64", "-pde_points 1400 -wall_points 200",
             "-pde_points 3500 -wall_points 300"),
    "dense": ("-tao_engd_direction dense -pde_points 100 -wall_points 50", "-network_layers 36,36",
              "-network_layers 56,56"),
    "dense, eigen": ("-tao_engd_direction dense -tao_engd_dense_type eigen -tao_engd_dense_spread 1000 -pde_points 100 -wall_points 50",
                     "-network_layers 36,36", "-network_layers 56,56"),
}


SLOPES = {
    "krylov": "-tao_engd_direction krylov -pc_type none -ksp_max_it 2",
    "krylov, kfac": "-tao_engd_direction krylov -pc_type kfac -ksp_max_it 2",
    "adam": "-tao_type adam",
    "lmvm": "-tao_type lmvm",
}


def slope(program, ranks, options):
    """bytes a rank for one parameter more, and those of the larger network"""
    few = f"{POISSON} -pde_points 60 -wall_points 20 {options} -network_layers "
    (_, small, p, _), (_, large, q, _) = (measure(program, ranks, few + ",".join(["500"] * n)) for n in (16, 40))
    return (large - small) / (q - p), large


def measure(program, ranks, options):
    """bytes a rank: estimated, measured"""
    with tempfile.NamedTemporaryFile(suffix=".json") as summary:
        command = [os.environ.get("MPIEXEC", "mpirun"), "-n", str(ranks), program, *shlex.split(options), "-engd_summary", summary.name]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{shlex.join(command)}:\n{done.stderr}")
        keys = json.load(open(summary.name))
    view = json.dumps(keys["view"])
    estimate = re.search(r'memory: (\S+) MB a rank: ([^"]*)', view)
    return 1e6 * float(estimate[1]) if estimate else None, keys["peak_memory_bytes"] / ranks, keys["parameters"], estimate and estimate[2]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ranks", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--slope", action="store_true")
    parser.add_argument("--case", action="append", help="only these directions")
    arguments = parser.parse_args()
    program = os.path.abspath(os.environ.get("ENGD", os.path.join(os.path.dirname(__file__), "..", "engd")))
    worst = 0
    if arguments.slope:
        print("| optimiser | ranks | bytes a parameter on a rank | MB a rank at 9.77e6 |\n|---|---|---|---|")
        for name, options in SLOPES.items():
            for ranks in arguments.ranks:
                if not arguments.case or name in arguments.case:
                    bytes_each, peak = slope(program, ranks, options)
                    print(f"| {name} | {ranks} | {bytes_each:.0f} | {peak / 1e6:.0f} |", flush=True)
        return False
    print("| direction | parameters | ranks | estimate, MB a rank | measured | ratio | of it |\n|---|---|---|---|---|---|---|")
    for name, (options, *sizes) in CASES.items():
        if arguments.case and name not in arguments.case:
            continue
        for ranks in arguments.ranks:
            estimate, peak, p, parts = measure(program, ranks, f"{POISSON} {options} {sizes[arguments.large]}")
            worst = max(worst, abs(estimate / peak - 1))
            print(f"| {name} | {p} | {ranks} | {estimate / 1e6:.0f} | {peak / 1e6:.0f} | {estimate / peak:.2f} | {parts} |", flush=True)
    return worst > 0.2


if __name__ == "__main__":
    sys.exit(main())
