"""Sketches of PyPI's datasketches, for Lamina's tests: `sketches.py write` builds some and prints them, a JSON object a line;
`sketches.py read` reads such lines from its standard input and prints what the library makes of their bytes.

A sketch of another kind is one more entry in WRITERS and READERS.
"""
import base64
import functools
import json
import sys

import datasketches as ds


def values(spec):
    """The updates of a sketch: {"type": "long" | "double" | "string", "from": a, "to": b}."""
    make = {"long": int, "double": lambda i: i * 0.5, "string": lambda i: f"value {i}"}[spec["type"]]
    return [make(i) for i in range(spec["from"], spec["to"])]


HLL_TYPES = {4: ds.HLL_4, 6: ds.HLL_6, 8: ds.HLL_8}


def bounds(sketch):
    return {
        "estimate": sketch.get_estimate(),
        "lower": [sketch.get_lower_bound(n) for n in (1, 2, 3)],
        "upper": [sketch.get_upper_bound(n) for n in (1, 2, 3)],
    }


def hll(spec, lg_k, bits):
    sketch = ds.hll_sketch(lg_k, HLL_TYPES[bits])
    for value in values(spec):
        sketch.update(value)
    return sketch


def theta(spec, lg_k):
    sketch = ds.update_theta_sketch(lg_k)
    for value in values(spec):
        sketch.update(value)
    return sketch


def write_hll():
    for bits in (4, 6, 8):
        for lg_k in (4, 7, 8, 12, 13):
            for kind, count in (("long", 0), ("string", 1), ("double", 5), ("long", 7), ("string", 8), ("long", 24),
                                ("double", 30), ("string", 400), ("long", 3000), ("double", 40000)):
                spec = {"type": kind, "from": 0, "to": count}
                sketch = hll(spec, lg_k, bits)
                for form in ("serialize_compact", "serialize_updatable"):
                    yield {"kind": "hll", "lgK": lg_k, "bits": bits, "values": [spec], "form": form,
                           "bytes": getattr(sketch, form)(), **bounds(sketch)}
    parts = [{"type": "long", "from": 0, "to": 5}, {"type": "long", "from": 3, "to": 90},
             {"type": "long", "from": 50, "to": 5000}, {"type": "long", "from": 4000, "to": 30000}]
    for bits in (4, 6, 8):
        for count in range(1, 5):
            for first in range(0, 5 - count):
                used = parts[first:first + count]
                union = ds.hll_union(11)
                for index, spec in enumerate(used):
                    # Registers of different numbers are merged otherwise by the package than by Java's library and Druid.
                    lg_k = (12, 11, 12, 10)[first] if count == 1 else 11
                    union.update(hll(spec, lg_k, 8 - 2 * (index % 3)))
                result = union.get_result(HLL_TYPES[bits])
                yield {"kind": "hll_union", "lgK": 11, "bits": bits, "values": used, "first": first,
                       "bytes": result.serialize_compact(), **bounds(result)}


def write_theta():
    for lg_k in (5, 10, 14):
        for kind, count in (("long", 0), ("string", 1), ("double", 2), ("string", 100), ("long", 3000), ("double", 40000)):
            spec = {"type": kind, "from": 0, "to": count}
            sketch = theta(spec, lg_k)
            for ordered in (True, False):
                yield {"kind": "theta", "lgK": lg_k, "values": [spec],
                       "bytes": sketch.compact(ordered).serialize(), **bounds(sketch)}
            union = ds.theta_union(lg_k)
            union.update(sketch)
            result = union.get_result()
            yield {"kind": "theta_union", "lgK": lg_k, "values": [spec], "bytes": result.serialize(), **bounds(result)}
        specs = [{"type": "long", "from": 0, "to": 9000}, {"type": "long", "from": 4000, "to": 20000}]
        made = []
        for spec in specs:
            union = ds.theta_union(lg_k)
            union.update(theta(spec, lg_k))
            made.append(union.get_result())
        union = ds.theta_union(lg_k)
        intersection = ds.theta_intersection()
        for sketch in made:
            union.update(sketch)
            intersection.update(sketch)
        results = {"theta_union": union.get_result(), "theta_intersection": intersection.get_result(),
                   "theta_a_not_b": ds.theta_a_not_b().compute(made[0], made[1])}
        for kind, result in results.items():
            yield {"kind": kind, "lgK": lg_k, "values": specs, "bytes": result.serialize(), **bounds(result)}


def write_tuple():
    """Arrays of doubles have no class in the Python package, but its tuple sketches sample the same values."""
    for lg_k in (5, 10):
        for kind, count in (("long", 0), ("string", 3), ("string", 5000)):
            spec = {"type": kind, "from": 0, "to": count}
            sketch = ds.update_tuple_sketch(ds.AccumulatorPolicy(), lg_k)
            for value in values(spec):
                sketch.update(value, 1)
            union = ds.tuple_union(ds.AccumulatorPolicy(), lg_k)
            union.update(sketch)
            result = union.get_result()
            yield {"kind": "tuple", "lgK": lg_k, "values": [spec], "bytes": b"", **bounds(result)}


QUANTILES = {"quantiles": ds.quantiles_doubles_sketch, "kll_doubles": ds.kll_doubles_sketch,
             "kll_floats": ds.kll_floats_sketch}
RANKS = [0.0, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 1.0]
POINTS = [-1.0, 0.0, 0.5, 10.0, 100.25, 5000.0, 12345.5]


def ranking(sketch):
    """Bounds inclusive, as Java's library and Druid have them."""
    empty = sketch.is_empty()
    return {
        "n": sketch.n,
        "k": sketch.k,
        "extremes": [] if empty else [sketch.get_min_value(), sketch.get_max_value()],
        "quantiles": [] if empty else [sketch.get_quantile(rank, True) for rank in RANKS],
        "ranks": [] if empty else [sketch.get_rank(point, True) for point in POINTS],
        "cdf": [] if empty else list(sketch.get_cdf(POINTS, True)),
    }


def write_quantiles(kind):
    def built(k, spec):
        sketch = QUANTILES[kind](k)
        for value in values(spec):
            sketch.update(value)
        return sketch

    def case(k, specs, sketch):
        return {"kind": kind, "given": k, "values": specs, "bytes": sketch.serialize(), **ranking(sketch)}

    for k in (16, 128, 1024):
        for count in (0, 1, 2, 15, 200, 3000, 50000):
            spec = {"type": "double", "from": 0, "to": count}
            yield case(k, [spec], built(k, spec))
        specs = [{"type": "double", "from": 0, "to": 7000}, {"type": "double", "from": 3000, "to": 30000}]
        merged = built(k, specs[0])
        merged.merge(built(k, specs[1]))
        yield case(k, specs, merged)


WRITERS = {"hll": write_hll, "theta": write_theta, "tuple": write_tuple,
           **{kind: functools.partial(write_quantiles, kind) for kind in QUANTILES}}

READERS = {
    "hll": lambda data: bounds(ds.hll_sketch.deserialize(data)),
    "theta": lambda data: bounds(ds.compact_theta_sketch.deserialize(data, 9001)),
    **{kind: lambda data, made=made: ranking(made.deserialize(data)) for kind, made in QUANTILES.items()},
}


def main():
    if sys.argv[1] == "write":
        for name in sys.argv[2:] or WRITERS:
            for case in WRITERS[name]():
                case["bytes"] = base64.b64encode(case["bytes"]).decode()
                print(json.dumps(case))
    else:
        for line in sys.stdin:
            case = json.loads(line)
            try:
                print(json.dumps(READERS[case["kind"]](base64.b64decode(case["bytes"]))))
            except Exception as error:
                print(json.dumps({"error": str(error)}))


main()
