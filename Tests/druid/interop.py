#!/usr/bin/env python3
"""Lets a real Druid judge segments that Lamina writes. See run.sh."""

import argparse
import json
import math
import os
import pathlib
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request

BROKER = "http://localhost:8082/druid/v2"

# Every option of an indexSpec, alone and together.
INDEX_SPECS = {
    "defaults": {},
    "zstd": {"dimensionCompression": "zstd", "metricCompression": "zstd", "jsonCompression": "zstd"},
    "lzf": {"dimensionCompression": "lzf", "metricCompression": "lzf", "jsonCompression": "lzf"},
    "uncompressed": {
        "dimensionCompression": "uncompressed",
        "metricCompression": "uncompressed",
        "jsonCompression": "uncompressed",
    },
    "none": {"metricCompression": "none"},
    "longauto": {"longEncoding": "auto"},
    "longauto_none": {"longEncoding": "auto", "metricCompression": "none"},
    "concise": {"bitmap": {"type": "concise"}},
    "front0": {"stringDictionaryEncoding": {"type": "frontCoded", "bucketSize": 4, "formatVersion": 0}},
    "front1": {"stringDictionaryEncoding": {"type": "frontCoded", "bucketSize": 16, "formatVersion": 1}},
    "mixed": {
        "bitmap": {"type": "concise"},
        "longEncoding": "auto",
        "dimensionCompression": "uncompressed",
        "stringDictionaryEncoding": {"type": "frontCoded", "bucketSize": 8, "formatVersion": 1},
    },
}

ROWS = 3000
START = 1704067200000


def rows():
    """Rows with everything a column may hold, the same on every run."""
    cities = ["Aachen", "Bonn", "Zürich", "", None, "\uff5ewide", "\U0001f600smile", "가나다"]
    for number in range(ROWS):
        yield {
            "t": START + number * 47_000,
            "city": cities[number * 7 % 8],
            "page": "page %d of %d" % (number * 31 % 977, number % 13),
            "tags": [["a"], ["b", "a"], [], ["c", "b", "c"], None][number % 5],
            "age": None if number % 11 == 0 else number % 90,
            "big": (number * 2654435761 % 2**40) - 2**39,
            "ratio": None if number % 17 == 0 else number % 100 / 8,
            "weight": number % 64 / 4,
            "clicks": number % 1000,
            "revenue": None if number % 5 == 0 else number * 1.25,
            "nested": [{"a": number % 9, "b": {"c": "x%d" % (number % 4)}}, {"a": 1.5, "list": [1, 2]}, None][number % 3],
            "any": [number % 50, "text %d" % (number % 20), 1.5, None][number % 4],
            "numbers": [number % 3, number % 7],
            "auto_long": number % 300,
            "auto_text": None if number % 19 == 0 else "t%d" % (number % 100),
        }


DIMENSIONS = [
    "city",
    "page",
    "tags",
    {"type": "string", "name": "plain", "createBitmapIndex": False},
    {"type": "long", "name": "age"},
    {"type": "long", "name": "big"},
    {"type": "double", "name": "ratio"},
    {"type": "float", "name": "weight"},
    {"type": "json", "name": "nested"},
    {"type": "auto", "name": "any"},
    {"type": "auto", "name": "numbers"},
    {"type": "auto", "name": "auto_long"},
    {"type": "auto", "name": "auto_text"},
    "absent",
]


def task(source, data, index_spec):
    return {
        "type": "index_parallel",
        "spec": {
            "ioConfig": {
                "type": "index_parallel",
                "inputSource": {"type": "local", "files": [str(data)]},
                "inputFormat": {"type": "json"},
            },
            "dataSchema": {
                "dataSource": source,
                "timestampSpec": {"column": "t", "format": "millis"},
                "dimensionsSpec": {"dimensions": DIMENSIONS},
                "transformSpec": {"transforms": [{"type": "expression", "name": "plain", "expression": "page"}]},
                "metricsSpec": [
                    {"type": "count", "name": "cnt"},
                    {"type": "longSum", "name": "clicks", "fieldName": "clicks"},
                    {"type": "doubleSum", "name": "revenue", "fieldName": "revenue"},
                    {"type": "floatMax", "name": "heaviest", "fieldName": "weight"},
                ],
                "granularitySpec": {"segmentGranularity": "day", "queryGranularity": "minute", "rollup": True},
            },
            "tuningConfig": {"type": "index_parallel", "indexSpec": index_spec},
        },
    }


# Nested, array and auto columns, sketches and stored pairs, projections.
GOLD_TABLES = ["edge", "edge_auto", "mixed_auto", "events_auto", "events_rollup", "events_proj"]

INTERVAL = "2024-01-01/2024-01-04"


def queries(source):
    """Ten native queries."""
    sums = [
        {"type": "count", "name": "rows"},
        {"type": "longSum", "name": "clicks", "fieldName": "clicks"},
        {"type": "doubleSum", "name": "revenue", "fieldName": "revenue"},
        {"type": "longSum", "name": "big", "fieldName": "big"},
        {"type": "floatMax", "name": "heaviest", "fieldName": "heaviest"},
    ]
    base = {"dataSource": source, "intervals": [INTERVAL]}

    def timeseries(granularity, condition=None):
        query = dict(base, queryType="timeseries", granularity=granularity, aggregations=sums)
        return dict(query, filter=condition) if condition else query

    def group(*dimensions, **more):
        return dict(base, queryType="groupBy", granularity="all", dimensions=list(dimensions), aggregations=sums, **more)

    return {
        "timeseries by hour": timeseries("hour"),
        "timeseries where text": timeseries("day", {"type": "in", "dimension": "city", "values": ["Bonn", "가나다", None]}),
        "timeseries where number": timeseries(
            "all", {"type": "range", "column": "age", "matchValueType": "LONG", "lower": 10, "upper": 40}
        ),
        "timeseries where no bitmaps": timeseries("all", {"type": "like", "dimension": "plain", "pattern": "page 1%"}),
        "topN of cities": dict(
            base, queryType="topN", granularity="all", dimension="city", metric="clicks", threshold=5, aggregations=sums
        ),
        "groupBy multi-value": group("tags"),
        "groupBy several": group("city", "weight"),
        "groupBy auto": group("auto_text", {"type": "default", "dimension": "auto_long", "outputType": "LONG"}),
        "scan": dict(
            base,
            queryType="scan",
            columns=["__time", "city", "page", "tags", "plain", "age", "big", "ratio", "weight", "nested", "any", "numbers",
                     "auto_long", "auto_text", "absent", "cnt", "clicks", "revenue", "heaviest"],
            order="ascending",
            resultFormat="compactedList",
        ),
        "search": dict(
            base,
            queryType="search",
            granularity="all",
            searchDimensions=["city", "page"],
            query={"type": "insensitive_contains", "value": "N"},
            limit=1000,
        ),
    }


def same(left, right):
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, (int, float)) and isinstance(right, (int, float)):
        return left == right or math.isclose(left, right, rel_tol=1e-9)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    # A mapped quantiles sketch without values is printed by Druid with another count of preamble words than it is stored with.
    if isinstance(left, str) and {left, right} == {"AQMIHoAAAAA=", "AgMIHoAAAAA="}:
        return True
    return left == right


def rows_of(query, answer):
    """Scan batches joined, their segments left out: both servers cut them as they like."""
    if query["queryType"] != "scan":
        return answer
    return [row for batch in answer for row in batch["events"]]


def first_difference(left, right):
    if isinstance(left, list) and isinstance(right, list):
        for place, (one, other) in enumerate(zip(left, right)):
            if not same(one, other):
                return "entry %d: %s instead of %s" % (place, json.dumps(one)[:400], json.dumps(other)[:400])
        return "%d entries instead of %d" % (len(left), len(right))
    return "%s instead of %s" % (json.dumps(left)[:400], json.dumps(right)[:400])


class Judge:
    def __init__(self, options, scratch):
        self.lamina = options.lamina
        self.druid = options.druid
        self.gold = pathlib.Path(options.gold)
        self.scratch = pathlib.Path(scratch)
        self.failures = 0
        self.passes = 0

    def result(self, name, problem=None):
        if problem:
            self.failures += 1
            print("FAIL %s: %s" % (name, problem), flush=True)
        else:
            self.passes += 1
            print("ok   %s" % name, flush=True)

    def run(self, *command):
        return subprocess.run([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def check(self):
        """Druid compares every rewritten segment with its own."""
        segments = sorted((self.gold / "segments").glob("*/*/index"))
        for index in segments:
            name = "rewrite %s/%s" % (index.parent.parent.name, index.parent.name)
            if index.parent.parent.name == "events_proj":
                continue
            ours = self.scratch / "rewritten"
            done = self.run(self.lamina, "segment", "rewrite", index, ours)
            if done.returncode:
                self.result(name, done.stdout[-300:])
            else:
                judged = self.run(self.druid, "check", ours, index)
                self.result(name, None if judged.returncode == 0 else judged.stdout[-600:])
            self.run("rm", "-rf", ours)

    def tasks(self):
        """Druid loads segments of index tasks and answers as Lamina does."""
        data = self.scratch / "rows.json"
        data.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows()), encoding="utf-8")
        store = self.scratch / "data"
        folders = []
        for name, index_spec in INDEX_SPECS.items():
            source = "interop_" + name
            spec = self.scratch / (source + ".json")
            spec.write_text(json.dumps(task(source, data, index_spec)))
            done = self.run(self.lamina, "index", spec, "--data", store)
            if done.returncode == 0:
                done = self.run(self.lamina, "segment", "export", "--data", store, source, self.scratch / source)
            self.result("index %s" % name, None if done.returncode == 0 else done.stdout[-600:])
            if done.returncode == 0:
                folders += sorted((self.scratch / source).iterdir())
        started = self.run(self.druid, "start")
        if started.returncode:
            self.result("start Druid", started.stdout[-600:])
            return
        try:
            for name in INDEX_SPECS:
                source = "interop_" + name
                mine = [folder for folder in folders if folder.parent.name == source]
                if mine:
                    self.compare(source, name, store, mine)
        finally:
            self.run(self.druid, "clean")

    def gold_tasks(self):
        """Tables of the gold corpus, indexed by Lamina, loaded and asked their own recorded queries by both."""
        store = self.scratch / "gold-data"
        folders = {}
        for name in GOLD_TABLES:
            spec = self.scratch / (name + ".json")
            text = (self.gold / "specs" / (name + ".json")).read_text(encoding="utf-8")
            spec.write_text(text.replace("${DATA}", str((self.gold / "data").resolve())), encoding="utf-8")
            done = self.run(self.lamina, "index", spec, "--data", store)
            if done.returncode == 0:
                done = self.run(self.lamina, "segment", "export", "--data", store, name, self.scratch / name)
            self.result("index %s" % name, None if done.returncode == 0 else done.stdout[-600:])
            if done.returncode == 0:
                folders[name] = sorted((self.scratch / name).iterdir())
        started = self.run(self.druid, "start")
        if started.returncode:
            self.result("start Druid", started.stdout[-600:])
            return
        try:
            for name, mine in folders.items():
                self.compare(name, name, store, mine, self.recorded(name))
        finally:
            self.run(self.druid, "clean")

    def recorded(self, table):
        """Every row, and the corpus's native queries of a table that depend on nothing else."""
        found = {
            "every row": {
                "queryType": "scan",
                "dataSource": table,
                "intervals": ["0000/3000"],
                "columns": [],
                "resultFormat": "list",
            }
        }
        for path in sorted((self.gold / "queries").glob("native_*.jsonl")):
            answers = (self.gold / "answers" / path.name).read_text(encoding="utf-8").splitlines()
            answered = {answer["name"] for answer in map(json.loads, answers) if answer.get("status") == 200}
            for line in path.read_text(encoding="utf-8").splitlines():
                case = json.loads(line)
                query = case.get("query")
                if case.get("kind") != "native" or not isinstance(query, dict) or query.get("dataSource") != table:
                    continue
                # What Druid did not answer then, it does not answer now; it has no look-ups here.
                if case["name"] not in answered or "lookup" in json.dumps(query):
                    continue
                if case["compare"] == "exact" and query["queryType"] in ("groupBy", "topN", "timeseries", "scan"):
                    found[case["name"]] = query
        return found

    def compare(self, source, name, store, folders, asked=None):
        loaded = self.run(self.druid, "load", *folders)
        self.result("load %s" % name, None if loaded.returncode == 0 else loaded.stdout[-800:])
        if loaded.returncode:
            return
        for title, query in (asked or queries(source)).items():
            ours = self.run(self.lamina, "query", "-e", json.dumps(query), "--data", store, "--format", "json")
            try:
                request = urllib.request.Request(
                    BROKER, json.dumps(query).encode(), {"Content-Type": "application/json"}
                )
                theirs = json.load(urllib.request.urlopen(request, timeout=60))
                left = rows_of(query, json.loads(ours.stdout))
                right = rows_of(query, theirs)
                self.result("%s: %s" % (name, title), None if same(left, right) else first_difference(left, right))
            except urllib.error.HTTPError as error:
                self.result("%s: %s" % (name, title), "Druid: " + error.read().decode()[:400])
            except (ValueError, KeyError, TypeError) as error:
                self.result("%s: %s" % (name, title), "%s; Lamina: %s" % (error, ours.stdout[-400:]))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lamina", required=True)
    parser.add_argument("--druid", required=True)
    parser.add_argument("--gold", required=True)
    parser.add_argument("parts", nargs="*", choices=["check", "tasks", "gold_tasks", []])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="lamina-druid-") as scratch:
        os.environ.setdefault("DRUID_RUN", str(pathlib.Path(tempfile.gettempdir()) / "lamina-druid-run"))
        judge = Judge(options, scratch)
        for part in options.parts or ["check", "tasks", "gold_tasks"]:
            getattr(judge, part)()
    print("%d passed, %d failed" % (judge.passes, judge.failures))
    sys.exit(1 if judge.failures else 0)


if __name__ == "__main__":
    main()
