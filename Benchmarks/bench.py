#!/usr/bin/env python3
"""Measures Lamina beside DuckDB and chDB on TPC-H lineitem, in one run on one machine.

    bench.py --lamina BINARY [--work DIR] [--only index,scan,peers]

index   `lamina index` from tpchgen-cli's CSV and from JSON lines, all 16 columns, parse to published: rows per second and
        per CPU-second, peak memory (/usr/bin/time's numbers, of the whole process)
scan    `lamina bench scan` over month segments and, for the topN of 200,000 values, over year segments
peers   the same five questions put to DuckDB and chDB, one thread, warm, median of seven
"""

import argparse
import json
import os
import pathlib
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
COLUMNS = (
    "l_orderkey l_partkey l_suppkey l_linenumber l_quantity l_extendedprice l_discount l_tax l_returnflag l_linestatus "
    "l_shipdate l_commitdate l_receiptdate l_shipinstruct l_shipmode l_comment"
).split()
NUMBERS = {"l_orderkey": "long", "l_suppkey": "long", "l_linenumber": "long"}
METRICS = {"l_quantity": "longSum", "l_extendedprice": "doubleSum", "l_discount": "doubleSum", "l_tax": "doubleSum"}
HALF = {"type": "bound", "dimension": "l_quantity", "upper": "25", "ordering": "numeric"}


def spec(name, files, input_format, granularity):
    """l_partkey is a string on purpose: the dimension of 200,000 values. Half of all rows have l_quantity <= 25."""
    dimensions = [{"type": NUMBERS.get(c, "string"), "name": c} for c in COLUMNS if c not in METRICS and c != "l_shipdate"]
    return {
        "type": "index_parallel",
        "spec": {
            "dataSchema": {
                "dataSource": name,
                "timestampSpec": {"column": "l_shipdate", "format": "auto"},
                "dimensionsSpec": {"dimensions": dimensions},
                "metricsSpec": [{"type": t, "name": c, "fieldName": c} for c, t in METRICS.items()],
                "granularitySpec": {"segmentGranularity": granularity, "queryGranularity": "none", "rollup": False},
            },
            "ioConfig": {
                "type": "index_parallel",
                "inputSource": {"type": "local", "files": [str(f) for f in files]},
                "inputFormat": input_format,
            },
            "tuningConfig": {"type": "index_parallel"},
        },
    }


def make_data(work):
    """tpchgen-cli's own CSV, cut off its trailing separator if it has one, and the first million rows as JSON lines."""
    csv = work / "lineitem.csv"
    if not csv.exists():
        tool = pathlib.Path(sys.executable).with_name("tpchgen-cli")
        subprocess.check_call([tool, "csv", "-s", "1", "-T", "lineitem", "-o", work, "-q", "--overwrite"])
    lines = work / "lineitem_1m.ndjson"
    if not lines.exists():
        import duckdb

        duckdb.connect().execute(
            "COPY (SELECT * FROM read_csv('%s') LIMIT 1000000) TO '%s' (FORMAT json)" % (csv, lines)
        )
    return csv, lines


def measured(command):
    """Wall and CPU seconds and peak memory of one finished command."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.time()
    subprocess.check_call(command, stdout=subprocess.DEVNULL)
    wall = time.time() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, cpu, after.ru_maxrss / 1024


def index(lamina, work, name, files, input_format, granularity, rows):
    data = work / name
    shutil.rmtree(data, ignore_errors=True)
    task = work / (name + ".json")
    task.write_text(json.dumps(spec(name, files, input_format, granularity)))
    wall, cpu, peak = measured([lamina, "index", "--data", data, "--wait", task])
    print(
        "%-22s %9d rows  %5.1f s  %9.0f rows/s  %9.0f rows/CPU-s  peak %6.0f MB"
        % (name, rows, wall, rows / wall, rows / cpu, peak),
        flush=True,
    )
    return data


def scan(lamina, data, name, dimension, **options):
    command = [lamina, "bench", "scan", "--data", data, name, "--metric", "l_extendedprice", "--dimension", dimension]
    command += ["--filter", json.dumps(HALF), "--threads", "1"]
    subprocess.check_call(command)


QUESTIONS = {
    "count, half the rows": "SELECT count(*) FROM lineitem WHERE l_quantity <= 25",
    "sum": "SELECT sum(l_extendedprice) FROM lineitem",
    "sum, half the rows": "SELECT sum(l_extendedprice) FROM lineitem WHERE l_quantity <= 25",
    "group by l_shipmode": "SELECT l_shipmode, sum(l_extendedprice) FROM lineitem GROUP BY 1",
    "top 100 l_partkey": "SELECT l_partkey, sum(l_extendedprice) s FROM lineitem GROUP BY 1 ORDER BY s DESC LIMIT 100",
}


def median_seconds(ask):
    for _ in range(2):
        ask()
    times = []
    for _ in range(7):
        start = time.perf_counter()
        ask()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def peers(work, csv, rows):
    import chdb.session
    import duckdb

    store = work / "peers.duckdb"
    fresh = not store.exists()
    duck = duckdb.connect(str(store), config={"threads": 1})
    if fresh:
        duck.execute(
            "CREATE TABLE lineitem AS SELECT * REPLACE (CAST(l_partkey AS VARCHAR) AS l_partkey,"
            " CAST(l_extendedprice AS DOUBLE) AS l_extendedprice) FROM read_csv('%s') ORDER BY l_shipdate" % csv
        )
    house = chdb.session.Session(str(work / "peers.chdb"))
    tables = str(house.query("SELECT count() FROM system.tables WHERE name = 'lineitem'", "CSV")).strip()
    if tables == "0":
        house.query(
            "CREATE TABLE lineitem (%s) ENGINE = MergeTree ORDER BY l_shipdate"
            % ", ".join("%s %s" % (c, house_type(c)) for c in COLUMNS)
        )
        house.query("INSERT INTO lineitem SELECT * FROM file('%s', CSVWithNames)" % csv)
        house.query("OPTIMIZE TABLE lineitem FINAL")
    print("%-24s %16s %16s   (rows/s/core, one thread, warm, median of 7)" % ("", "DuckDB", "chDB"))
    for name, sql in QUESTIONS.items():
        one = median_seconds(lambda: duck.execute(sql).fetchall())
        other = median_seconds(lambda: house.query(sql + " SETTINGS max_threads = 1", "CSV"))
        print("%-24s %14.0f M %14.0f M" % (name, rows / one / 1e6, rows / other / 1e6), flush=True)


def house_type(column):
    if column in ("l_extendedprice", "l_discount", "l_tax"):
        return "Float64"
    if column in ("l_orderkey", "l_suppkey", "l_linenumber", "l_quantity"):
        return "Int64"
    if column.endswith("date"):
        return "Date32"
    return "LowCardinality(String)" if column in ("l_shipmode", "l_returnflag", "l_linestatus", "l_shipinstruct") else "String"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lamina", type=pathlib.Path, required=True)
    parser.add_argument("--work", type=pathlib.Path, default=HERE.parent / ".build" / "bench")
    parser.add_argument("--only", default="index,scan,peers")
    options = parser.parse_args()
    only = set(options.only.split(","))
    options.work.mkdir(parents=True, exist_ok=True)
    model = next((l.split(":")[1].strip() for l in open("/proc/cpuinfo") if l.startswith("model name")), platform.machine())
    print("machine: %s, %d cores, %s" % (model, os.cpu_count(), platform.platform()))
    csv, lines = make_data(options.work)
    with open(csv, "rb") as file:
        rows = sum(piece.count(b"\n") for piece in iter(lambda: file.read(1 << 24), b"")) - 1
    header = {"type": "csv", "findColumnsFromHeader": True}
    work = options.work.resolve()
    if "index" in only or not (work / "lineitem_month").exists():
        index(options.lamina, work, "lineitem_month", [csv], header, "month", rows)
        index(options.lamina, work, "lineitem_year", [csv], header, "year", rows)
        index(options.lamina, work, "lineitem_json", [lines], {"type": "json"}, "month", 1_000_000)
    if "scan" in only:
        print("month segments, dimension l_shipmode (7 values)", flush=True)
        scan(options.lamina, work / "lineitem_month", "lineitem_month", "l_shipmode")
        print("year segments, dimension l_partkey (200,000 values)", flush=True)
        scan(options.lamina, work / "lineitem_year", "lineitem_year", "l_partkey")
    if "peers" in only:
        peers(work, csv, rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
