#!/usr/bin/env python3
"""The solution in a checkpoint of engd (-engd_checkpoint), for NumPy; nothing else is needed but h5py.

  from engd import load
  u, gradient = load("run.h5")(x)     # x (n, coordinates), time last; u (n, outputs); gradient (n, outputs, coordinates)

  runs/engd.py run.h5 points.csv      # prints them; the first line of the file may name its columns

Networks, -network_inputs, -ansatz_<output>, `distance` and parameters are those of the run; what their texts have besides (derivatives,
and with them the distance of a level set, tables, plug-ins, sums over an index) is not known here, and refused.
"""
import ast
import csv
import math
import re
import sys

import numpy as np

erf = np.vectorize(math.erf, otypes=[float])
sigmoid = lambda a: 0.5 + 0.5 * np.tanh(0.5 * a)
density = lambda a: np.exp(-0.5 * a * a) / math.sqrt(2 * math.pi)
bell = lambda a: 0.5 * (1 + erf(a / math.sqrt(2)))
FUNCTIONS = {  # each with its derivative
    "sin": (np.sin, np.cos), "cos": (np.cos, lambda a: -np.sin(a)), "tan": (np.tan, lambda a: 1 / np.cos(a) ** 2),
    "asin": (np.arcsin, lambda a: 1 / np.sqrt(1 - a * a)), "acos": (np.arccos, lambda a: -1 / np.sqrt(1 - a * a)),
    "atan": (np.arctan, lambda a: 1 / (1 + a * a)), "asinh": (np.arcsinh, lambda a: 1 / np.sqrt(1 + a * a)),
    "acosh": (np.arccosh, lambda a: 1 / np.sqrt(a * a - 1)), "atanh": (np.arctanh, lambda a: 1 / (1 - a * a)),
    "exp": (np.exp, np.exp), "expm1": (np.expm1, np.exp), "log": (np.log, lambda a: 1 / a), "log1p": (np.log1p, lambda a: 1 / (1 + a)),
    "log2": (np.log2, lambda a: 1 / (a * math.log(2))), "log10": (np.log10, lambda a: 1 / (a * math.log(10))),
    "sqrt": (np.sqrt, lambda a: 0.5 / np.sqrt(a)), "cbrt": (np.cbrt, lambda a: 1 / (3 * np.cbrt(a) ** 2)),
    "sinh": (np.sinh, np.cosh), "cosh": (np.cosh, np.sinh), "tanh": (np.tanh, lambda a: 1 - np.tanh(a) ** 2),
    "abs": (np.abs, np.sign), "sign": (np.sign, np.zeros_like), "floor": (np.floor, np.zeros_like), "ceil": (np.ceil, np.zeros_like),
    "step": (lambda a: 1.0 * (a >= 0), np.zeros_like), "heaviside": (lambda a: 1.0 * (a >= 0), np.zeros_like),
    "erfc": (lambda a: 1 - erf(a), lambda a: -2 / math.sqrt(math.pi) * np.exp(-a * a)), "erf": (erf, lambda a: 2 / math.sqrt(math.pi) * np.exp(-a * a)),
    "sigmoid": (sigmoid, lambda a: sigmoid(a) * (1 - sigmoid(a))), "softplus": (lambda a: np.logaddexp(0, a), sigmoid),
    "silu": (lambda a: a * sigmoid(a), lambda a: sigmoid(a) * (1 + a * (1 - sigmoid(a)))),
    "gelu": (lambda a: a * bell(a), lambda a: bell(a) + a * density(a))}


class Dual:
    """A number v at each point with its gradient d; vectors of the language are object arrays of these."""
    def __init__(self, v, d):
        self.v, self.d = v, d

    def chain(self, v, slope, other=None, other_slope=0.0):
        d = np.expand_dims(slope, -1) * self.d
        return Dual(v, d if other is None else d + np.expand_dims(other_slope, -1) * other.d)

    def lift(self, other):
        return other if isinstance(other, Dual) else Dual(other + 0 * self.v, 0 * self.d)

    def entrywise(rule):  # with a vector it is numpy's business
        return lambda self, o: NotImplemented if isinstance(o, np.ndarray) else rule(self, self.lift(o))

    __add__ = __radd__ = entrywise(lambda a, b: a.chain(a.v + b.v, 1.0, b, 1.0))
    __mul__ = __rmul__ = entrywise(lambda a, b: a.chain(a.v * b.v, b.v, b, a.v))
    __truediv__ = entrywise(lambda a, b: a.chain(a.v / b.v, 1 / b.v, b, -a.v / b.v**2))
    def __neg__(self): return self * -1.0
    def __sub__(self, o): return self + -o
    def __rsub__(self, o): return -self + o
    def __rtruediv__(self, o): return self.lift(o) / self
    def __pow__(self, o):
        return FUNCTIONS_OF["exp"](FUNCTIONS_OF["log"](self) * o) if isinstance(o, Dual) else self.chain(self.v**o, o * self.v ** (o - 1) if o else 0 * self.v)
    def __rpow__(self, o): return FUNCTIONS_OF["exp"](self * math.log(o))


def apply(name):
    f, slope = FUNCTIONS[name]
    each = lambda a: a.chain(f(a.v), slope(a.v)) if isinstance(a, Dual) else float(f(a))
    return lambda a: np.array([each(b) for b in a], dtype=object) if isinstance(a, np.ndarray) and a.dtype == object else each(a)


FUNCTIONS_OF = {name: apply(name) for name in FUNCTIONS}


def names_of(text):
    """x,y or x1..x10"""
    ranges = (re.fullmatch(r"(.*?)(\d+)\.\.\1(\d+)", name.strip()) or name.strip() for name in text.split(","))
    return [n for r in ranges for n in ([r] if isinstance(r, str) else [f"{r[1]}{k}" for k in range(int(r[2]), int(r[3]) + 1)])]


def items_of(text):
    """The items of a list, commas in brackets left alone"""
    items, depth = [""], 0
    for c in text:
        depth += (c in "([") - (c in ")]")
        items[-1:] = [items[-1], ""] if c == "," and depth == 0 else [items[-1] + c]
    return [item.strip() for item in items]


def choose(c, a, b):
    if not isinstance(c, Dual):
        return a if c else b
    a, b = c.lift(a), c.lift(b)
    return Dual(np.where(c.v != 0, a.v, b.v), np.where(c.v[:, None] != 0, a.d, b.d))


def truth(rule):  # 1 or 0, with no slope
    number = lambda a: a.v if isinstance(a, Dual) else a
    def of(*a):
        dual = next((e for e in a if isinstance(e, Dual)), None)
        value = 1.0 * rule(*map(number, a))
        return value if dual is None else Dual(value + 0 * dual.v, 0 * dual.d)
    return of


def atan2(y, x):
    dual = next((a for a in (y, x) if isinstance(a, Dual)), None)
    if dual is None:
        return math.atan2(y, x)
    y, x = dual.lift(y), dual.lift(x)
    square = x.v**2 + y.v**2
    return y.chain(np.arctan2(y.v, x.v), x.v / square, x, -y.v / square)


def extreme(less):
    def of(*a):
        a = list(a[0]) if len(a) == 1 else list(a)
        best = a[0]
        for e in a[1:]:
            best = choose(less(e, best), e, best)
        return best
    return of


BINARY = {ast.Add: lambda a, b: a + b, ast.Sub: lambda a, b: a - b, ast.Mult: lambda a, b: a * b, ast.Div: lambda a, b: a / b, ast.Pow: lambda a, b: a**b}
COMPARE = {ast.Lt: truth(lambda a, b: a < b), ast.LtE: truth(lambda a, b: a <= b), ast.Gt: truth(lambda a, b: a > b), ast.GtE: truth(lambda a, b: a >= b),
           ast.Eq: truth(lambda a, b: a == b), ast.NotEq: truth(lambda a, b: a != b)}
BOTH, EITHER = truth(lambda a, b: np.logical_and(a != 0, b != 0)), truth(lambda a, b: np.logical_or(a != 0, b != 0))
normsq = lambda v: np.dot(v, v)


def root(a):  # of a sum of squares, whose slope at 0 is taken as 0
    if not isinstance(a, Dual):
        return math.sqrt(a)
    length = np.sqrt(a.v)
    return a.chain(length, np.where(length > 0, 0.5 / np.where(length > 0, length, 1), 0))


KNOWN = {**FUNCTIONS_OF, "pi": math.pi, "sum": np.sum, "prod": np.prod, "dot": np.dot, "choose": choose, "atan2": atan2, "normsq": normsq,
         "norm2": lambda v: root(normsq(v)), "hypot": lambda a, b: root(a * a + b * b), "pow": lambda a, b: a**b,
         "mod": lambda a, b: a - b * FUNCTIONS_OF["floor"](a / b), "min": extreme(COMPARE[ast.Lt]), "max": extreme(COMPARE[ast.Gt])}


def evaluate(text, names):
    """A text of the language: Python reads it, with other signs for powers and logic, and what is not known here is refused"""
    def refuse(what):
        return NotImplementedError(f"{what} in {text}; engd -engd_restart FILE -engd_evaluate POINTS knows it")

    def value(node):
        kind = type(node)
        if kind is ast.Constant and isinstance(node.value, (int, float)):
            return float(node.value)
        if kind is ast.Name:
            if node.id not in names and node.id not in KNOWN:
                raise refuse(node.id)
            found = names[node.id] if node.id in names else KNOWN[node.id]
            return found.value() if isinstance(found, Later) else found
        if kind is ast.BinOp and type(node.op) in BINARY:
            return BINARY[type(node.op)](value(node.left), value(node.right))
        if kind is ast.UnaryOp and isinstance(node.op, (ast.USub, ast.UAdd)):
            return -value(node.operand) if isinstance(node.op, ast.USub) else value(node.operand)
        if kind is ast.Compare and len(node.ops) == 1:
            return COMPARE[type(node.ops[0])](value(node.left), value(node.comparators[0]))
        if kind is ast.BoolOp:
            parts = [value(part) for part in node.values]
            for k in range(1, len(parts)):
                parts[k] = (BOTH if isinstance(node.op, ast.And) else EITHER)(parts[k - 1], parts[k])
            return parts[-1]
        if kind is ast.Call and isinstance(node.func, ast.Name):
            if node.func.id == "sum" and len(node.args) != 1:
                raise refuse("a sum over an index")
            return value(node.func)(*map(value, node.args))
        if kind is ast.Subscript:  # entries count from 1
            return value(node.value)[int(value(node.slice)) - 1]
        if kind is ast.List:
            return np.array([value(part) for part in node.elts], dtype=object)
        raise refuse(kind.__name__)

    python = re.sub(r"\bif\s*\(", "choose(", text).replace("^", "**").replace("&&", " and ").replace("||", " or ")
    try:
        return value(ast.parse(" ".join(python.split()), mode="eval").body)
    except SyntaxError:
        raise refuse("what Python does not read") from None


class Later:
    """The value of a function without arguments, which may read what is not known here as long as nobody asks for it"""
    def __init__(self, value):
        self.value = value


def add_functions(text, names):
    """names with those of -functions, r = .., f(a, b) = .., each of which may use those before it"""
    names = dict(names)
    for item in filter(None, items_of(text)):
        head, body = item.split("=", 1)
        name, *arguments = [w.strip() for w in re.split(r"[(,)]", head) if w.strip()]
        known = dict(names)
        value = lambda *a, k=known, w=arguments, b=body: evaluate(b, {**k, **dict(zip(w, a))})
        names[name] = value if arguments else Later(value)
    return names


def pass_through(theta, kind, layers, scale, activation, z):
    """The outputs of a network at z, and the parameters behind its own"""
    def take(n):
        nonlocal theta
        first, theta = theta[:n], theta[n:]
        return first

    def linear(z, n):
        w, b = take(z.v.shape[1] * n).reshape(-1, n), take(n)
        return Dual(z.v @ w + b, np.einsum("nid,io->nod", z.d, w))

    def units(z, n):
        a = linear(z, n)
        return activation(a * (scale * take(1)[0]) if scale else a)

    if kind not in ("mlp", "residual", "gated", "modified"):
        raise NotImplementedError(f"networks of the type {kind}; engd -engd_restart FILE -engd_evaluate POINTS knows them")
    U, V = [units(z, layers[1]) for _ in "UV"] if kind == "modified" else (None, None)
    for l in range(1, len(layers) - 1):
        h = units(z, layers[l])
        past = l > 1 and layers[l] == layers[l - 1]
        if kind == "modified":
            z = V + h * (U - V)
        elif kind == "gated" and past:
            z = z + (h - z) * take(1)[0]
        else:
            z = z + h if kind == "residual" and past else h
    return linear(z, layers[-1]), theta


def load(path):
    """The function x -> (u, gradient) of a checkpoint"""
    import h5py

    with h5py.File(path) as file:
        cut = "plan/best_is_ahead" in file and file["plan/best_is_ahead"][()].item()  # by the time, behind its best
        present = file["plan/best" if cut else "theta"][()].ravel()
        past = file["windows/present"][()].item() if "windows" in file else 0  # windows of time before that of theta
        thetas = [file[f"windows/theta_{w}"][()].ravel() for w in range(past)] + [present]
        lines = file["description/options"][()].decode().strip("\0\n").split("\n")
        options = {line.split(" ", 1)[0][1:]: line.split(" ", 1)[1].strip() for line in lines if line}
        paired = names_of(options["complex_unknowns"]) if "complex_unknowns" in options else []
        texts = " ".join(value for key, value in options.items() if key.startswith("ansatz_") or key.endswith("inputs"))
        if any(re.search(rf"\b{table}\(", texts) for table in re.findall(r"(\w+)\s*=", options.get("tables", ""))):
            raise NotImplementedError("tables; engd -engd_restart FILE -engd_evaluate POINTS knows them")
        if any("ansatz_" + n in options for n in paired):
            raise NotImplementedError("the ansatz of a complex unknown; engd -engd_restart FILE -engd_evaluate POINTS knows it")
        distance = file["description/distance"][()].decode().strip("\0") if "description/distance" in file else None
        networks, outputs = [], []  # of each network: type, layers, scale of the activation, activation, text of the inputs
        for name in names_of(options["networks"]) if "networks" in options else [None]:
            group = file["description"][name] if name else file["description"]
            text = lambda key: group[key][()].decode().strip("\0")
            networks.append((text("type"), [int(n) for n in group["layers"]], float(text("activation_scale")),
                             FUNCTIONS_OF[text("activation")], text("inputs")))
            real = names_of(options.get(f"{name}_outputs", name) if name else options.get("network_outputs", "u"))
            outputs += [p + n if p else n for n in real for p in (("re", "im") if n in paired else ("",))]
    numbers = {}
    for item in items_of(options["parameters"]) if "parameters" in options else []:
        name, value = item.split("=")
        numbers.update({n: float(evaluate(value, numbers)) for n in names_of(name)})
    unknown = [n for item in items_of(options.get("unknown_parameters", "")) if item for n in names_of(item.split("=")[0])]
    bounds = [{n: float(evaluate(i.split("=")[1], numbers)) for i in items_of(options.get(o, "")) if i for n in names_of(i.split("=")[0])}
              for o in ("unknown_lower", "unknown_upper")]
    for n, s in zip(unknown, present[len(present) - len(unknown):]):  # of one with bounds theta has a number without any
        a, b = bounds[0].get(n), bounds[1].get(n)
        numbers[n] = (s if a is None and b is None else a + math.exp(s) if b is None else b - math.exp(s) if a is None else
                      (a + b) / 2 + (b - a) / 2 * math.tanh(s))

    def window_of(x):
        """Which theta is that of each point: time in equal parts, an end of one still in it"""
        first, last = [evaluate(part, numbers) for part in items_of(options["domain_time"])]
        windows = int(options["engd_windows"])
        return np.clip(np.ceil((x[:, -1] - first) / (last - first) * windows - 1e-9) - 1, 0, len(thetas) - 1)

    def solution(x):
        x = np.atleast_2d(np.asarray(x, dtype=float))
        with np.errstate(all="ignore"):  # of the branch of an if() that is not taken
            pieces = [solution_of(theta, x) for theta in thetas]
        if len(thetas) == 1:
            return pieces[0]
        window = window_of(x)
        return [sum(np.where((window == w).reshape(-1, *[1] * (a[0].ndim - 1)), a[w], 0) for w in range(len(a))) for a in zip(*pieces)]

    def solution_of(theta, x):
        nspace = x.shape[1] - ("domain_time" in options)
        coordinates = names_of(options.get("domain_coordinates", f"x1..x{nspace}")) + ["t"][: x.shape[1] - nspace]
        names = {**numbers, **{n: Dual(x[:, i], np.broadcast_to(np.eye(x.shape[1])[i], x.shape)) for i, n in enumerate(coordinates)}}
        if [n[-1:] for n in coordinates[:1]] == ["1"]:
            names[coordinates[0][:-1]] = np.array([names[n] for n in coordinates[:nspace]], dtype=object)
        if distance:  # a text of the coordinates alone
            names["distance"] = Later(lambda known=dict(names): evaluate(distance, known))
        raw, left = {}, theta
        for kind, layers, scale, activation, network_inputs in networks:
            texts = items_of(network_inputs) if network_inputs else coordinates
            values = [e for i in texts for e in np.atleast_1d(np.array(evaluate(i, add_functions(options.get("functions", ""), names)), dtype=object))]
            lifted = [names[coordinates[0]].lift(e) for e in values]
            z = Dual(np.stack([e.v for e in lifted], 1), np.stack([e.d for e in lifted], 1))  # (n, width), (n, width, dim)
            z, left = pass_through(left, kind, layers, scale, activation, z)
            raw.update({n: Dual(z.v[:, k], z.d[:, k]) for k, n in enumerate(outputs[len(raw) : len(raw) + layers[-1]])})
        ansatz = [options.get("ansatz_" + n, n) for n in outputs]
        u = [evaluate(text, add_functions(options.get("functions", ""), {**names, **raw})) for text in ansatz]
        return np.stack([e.v for e in u], 1), np.stack([e.d for e in u], 1)

    solution.outputs = outputs
    return solution


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    try:
        rows = [row for row in csv.reader(open(sys.argv[2])) if row]
        try:
            points = np.array(rows, dtype=float)
        except ValueError:
            points = np.array(rows[1:], dtype=float)
        u, gradient = load(sys.argv[1])(points)
    except (OSError, ValueError, KeyError, IndexError, TypeError, ImportError, NotImplementedError) as error:
        sys.exit(f"{' '.join(sys.argv[1:])}: {' '.join(str(error).split())}")
    np.savetxt(sys.stdout, np.hstack([points, u, gradient.reshape(len(u), -1)]), delimiter=",", fmt="%.17g")
