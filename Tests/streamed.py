#!/usr/bin/env python3
"""Asks the gold questions about `events` of a server that got its rows as a stream, and compares with the recorded answers.

    streamed.py --lamina BINARY --gold DIR [--way half|days|all] [--verbose]

`half`: every second row by a batch task, the others pushed into the same days. `days`: the earlier days by batch, the rest pushed.
`all`: everything pushed. Each way is asked twice: while the pushed rows are in the stream's own segments (in memory and in
spilled pieces), and after their hand-off. Without --way all three are gone through.

Compared are the native cases that read nothing but `events`, by the rules of compare.py. Left out: segmentMetadata and answers by
segment. Scans without an order are compared as rows in any order; with a limit, too, as being rows of the source.
"""

import argparse
import collections
import glob
import gzip
import json
import pathlib
import sys
import tempfile

import running

# Answers that depend on the segments, or on the order in which they have their rows; each with its reason.
BY_SEGMENTS = {
    "native_granularity.topn_seoul_day": "a bucket that a single segment answers is shown in UTC, others in their zone",
    "native_sketches.hll_no_finalize": "the bytes of a small sketch list its coupons in the order of their rows",
    "native_dimensions.substring_to_end": "the recorded body stops inside a surrogate pair (gold-failing.txt)",
    "native_groupby.dim_filter_extraction": "the recorded body stops inside a surrogate pair (gold-failing.txt)",
}


def tables(value):
    """Names of the tables a query reads."""
    if isinstance(value, list):
        return set().union(*map(tables, value)) if value else set()
    if not isinstance(value, dict):
        return set()
    found = set().union(*map(tables, value.values())) if value else set()
    source = value.get("dataSource")
    if isinstance(source, str):
        found.add(source)
    if value.get("type") == "table":
        found.add(value.get("name"))
    if value.get("type") == "union":
        found |= {s for s in value.get("dataSources", []) if isinstance(s, str)}
    return found


def kinds(query):
    """Types of a query and of those it reads."""
    found = {query.get("queryType")}
    source = query.get("dataSource")
    return found | kinds(source["query"]) if isinstance(source, dict) and "query" in source else found


def cases(goldlib):
    for area in goldlib.areas():
        wanted = goldlib.answers(area)
        for case in goldlib.cases(area):
            want = wanted.get(case["name"])
            if case["kind"] != "native" or not isinstance(case["query"], dict) or tables(case["query"]) != {"events"}:
                continue
            if want is None or want.get("unstable") or want["asked"] != goldlib.fingerprint(case):
                continue
            if "segmentMetadata" in kinds(case["query"]) or (case["query"].get("context") or {}).get("bySegment"):
                continue
            yield case, want


def is_unordered(query):
    return query.get("queryType") == "scan" and query.get("order", "none") == "none" and not query.get("orderBy")


def differences(goldlib, case, want, got, everything):
    query = case["query"]
    if not is_unordered(query) or want["status"] >= 400:
        return goldlib.differences(case, want, got)
    if query.get("limit") is None and not query.get("offset"):
        return goldlib.differences({**case, "compare": "unordered"}, want, got)
    # Any rows will do, as many as were recorded.
    if got["status"] != want["status"]:
        return ["status: want %s, got %s" % (want["status"], got["status"])]
    a, b = goldlib.parse(case, want), goldlib.parse(case, got)
    out = []
    count = [len(x["events"]) if isinstance(x, dict) and "events" in x else x for x in (a, b)]
    if count[0] != count[1]:
        out.append("want %s events, got %s" % tuple(count))
    if isinstance(a, dict) and isinstance(b, dict) and a.get("columns") != b.get("columns"):
        out.append("columns: want %s, got %s" % (a.get("columns"), b.get("columns")))
    if not out and everything is not None and isinstance(b, dict):
        known = collections.Counter(goldlib.sort_key(event) for event in everything)
        strange = collections.Counter(goldlib.sort_key(event) for event in b["events"]) - known
        out += ["a row of no source: %s" % row[:200] for row in list(strange)[:3]]
    return out


def read_rows(gold):
    """All lines of events, in the order in which a task reads them."""
    rows = []
    for path in sorted(glob.glob(str(gold / "data" / "events-*.json*"))):
        with (gzip.open if path.endswith(".gz") else open)(path, "rb") as file:
            rows += [line for line in file.read().split(b"\n") if line.strip()]
    return rows


def load(server, spec, batch, pushed):
    """Some rows by a task, the others by push."""
    if batch:
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / "rows.json").write_bytes(b"\n".join(batch) + b"\n")
            task = json.loads(json.dumps(spec))
            task["spec"]["ioConfig"]["inputSource"] = {"type": "local", "baseDir": folder, "filter": "rows.json"}
            server.index(task)
    supervisor = {
        "type": "push",
        "spec": {
            "dataSchema": spec["spec"]["dataSchema"],
            "ioConfig": {"type": "push", "inputFormat": {"type": "json"}, "taskDuration": "PT10H"},
            # Most rows lie in spilled pieces, some in memory.
            "tuningConfig": {"type": "push", "maxRowsInMemory": 7000, "intermediatePersistPeriod": "PT10H"},
        },
    }
    server.supervise(supervisor)
    running.until(lambda: server.call("GET", "/v1/push/events")[0] == 200, 30, "the push stream")
    size = 1000
    for start in range(0, len(pushed), size):
        rows = pushed[start : start + size]
        headers = {"Idempotency-Key": "rows %d" % start, "Content-Encoding": "gzip"}
        status, reply = server.call("POST", "/v1/push/events", gzip.compress(b"\n".join(rows), 1), headers)
        while status == 429:
            status, reply = server.call("POST", "/v1/push/events", gzip.compress(b"\n".join(rows), 1), headers)
        counts = json.loads(reply) if status == 200 else {}
        if counts.get("accepted") != len(rows):
            sys.exit("a push was not accepted: %d %s" % (status, reply[:2000]))


def everything_of(goldlib, asker, case):
    """All rows a limited scan may choose from."""
    query = {k: v for k, v in case["query"].items() if k not in ("limit", "offset")}
    answer = asker.run({**case, "query": query})
    value = goldlib.parse(case, answer)
    return value.get("events") if isinstance(value, dict) else None


def compare(goldlib, server, label, verbose):
    asker = goldlib.Server(server.url)
    passed, failed, left_out = 0, 0, 0
    for case, want in cases(goldlib):
        if case["name"] in BY_SEGMENTS:
            left_out += 1
            print("left out %s: %s" % (case["name"], BY_SEGMENTS[case["name"]]))
            continue
        got = asker.run(case)
        everything = None
        if is_unordered(case["query"]) and case["query"].get("limit") is not None and got["status"] == 200:
            everything = everything_of(goldlib, asker, case)
        problems = differences(goldlib, case, want, got, everything)
        if problems:
            failed += 1
            print("FAIL %s (%s)" % (case["name"], label))
            for problem in problems:
                print("     " + problem)
            if verbose:
                print("     query %s\n     want %s\n     got  %s" % (json.dumps(case["query"]), want["body"][:2000], got["body"][:2000]))
        else:
            passed += 1
    print("%-24s %4d passed, %4d failed, %4d left out" % (label, passed, failed, left_out), flush=True)
    return failed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lamina", required=True)
    parser.add_argument("--gold", type=pathlib.Path, required=True)
    parser.add_argument("--way", choices=("half", "days", "all"), action="append")
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    sys.path.insert(0, str(options.gold))
    import goldlib

    spec = json.loads((options.gold / "specs" / "events.json").read_text(encoding="utf-8"))
    rows = read_rows(options.gold)
    early = [row for row in rows if json.loads(row)["ts"] < "2024-03-10"]
    early_set = set(early)
    ways = {
        "half": (rows[0::2], rows[1::2]),
        "days": (early, [row for row in rows if row not in early_set]),
        "all": ([], rows),
    }
    failed = 0
    for way in options.way or list(ways):
        with running.Lamina(options.lamina) as server:
            goldlib.set_up_lookups(goldlib.Server(server.url), options.gold / "data")
            load(server, spec, *ways[way])
            failed += compare(goldlib, server, way + ", streaming", options.verbose)
            server.ask("/druid/indexer/v1/supervisor/events/suspend", {})
            running.until(lambda: has_handed_off(server), 120, "the hand-off")
            failed += compare(goldlib, server, way + ", handed off", options.verbose)
    return 1 if failed else 0


def has_handed_off(server):
    """Whether every segment a query reads is published."""
    known = server.ask("/druid/coordinator/v1/metadata/datasources/events/segments")
    return known and server.call("GET", "/v1/push/events")[0] != 200


if __name__ == "__main__":
    sys.exit(main())
