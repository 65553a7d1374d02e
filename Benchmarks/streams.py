#!/usr/bin/env python3
"""Measures streams: freshness, sustained rates, and queries while rows come in.

    streams.py --lamina BINARY [--only freshness,push,kafka,queries] [--kafka HOST:PORT --topics A,B] [--seconds N] [--rows N]

freshness  50,000 rows/s are pushed in batches of 1,000 for some seconds; the time from the answer of a push (the row is accepted) and
           from its sending until a query sees the rows: p50, p99
push       the rate at which rows of 7 columns with rollup, and of 50, are taken in by push: batches of 1,000 rows, synced by group
           commit, four connections; rows a second and rows a CPU-second of the server
kafka      the same from topics filled beforehand (by default librdkafka's mock cluster, which holds no more than 5 MB a partition;
           a real broker by --kafka, e.g. ../shared/kafka/kafka.sh start)
queries    a timeseries, a topN and a groupBy over a datasource while 50,000 rows/s come in, and over the same rows at rest

CPU seconds are those of the server's process, from /proc; the load is made by other processes on the same machine, so rates by the
clock say little.
"""

import argparse
import http.client
import json
import multiprocessing
import pathlib
import random
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "Tests"))
import rdkafka
import running

BATCH = 1000
WIDE = 50
START = 1717200000000


def dimensions(columns):
    """All columns but the time and two metrics."""
    return ["d%d" % i for i in range(columns - 3)]


def schema(source, columns, rollup=True, query="MINUTE"):
    return {
        "dataSource": source,
        "timestampSpec": {"column": "t", "format": "millis"},
        "dimensionsSpec": {"dimensions": dimensions(columns)},
        "metricsSpec": [
            {"type": "count", "name": "rows"},
            {"type": "longSum", "name": "n", "fieldName": "n"},
            {"type": "doubleSum", "name": "x", "fieldName": "x"},
        ],
        "granularitySpec": {"segmentGranularity": "HOUR", "queryGranularity": query, "rollup": rollup},
    }


def row(pick, columns, at):
    values = {"t": at, "n": pick.randrange(1000), "x": pick.randrange(4000) / 4}
    for i, name in enumerate(dimensions(columns)):
        # Few values in some columns, thousands in others of the wide rows.
        values[name] = "v%d" % pick.randrange(5 if i < 4 else 20 if i < 20 else 2000)
    return json.dumps(values, separators=(",", ":"))


def batches(count, columns, seed=1, spread=3_600_000):
    """Bodies of a thousand rows, made before anything is measured."""
    pick = random.Random(seed)
    return ["\n".join(row(pick, columns, START + pick.randrange(spread)) for _ in range(BATCH)).encode() for _ in range(count)]


def push_spec(source, columns, **more):
    return {
        "type": "push",
        "spec": {
            "dataSchema": schema(source, columns, **more),
            "ioConfig": {"type": "push", "inputFormat": {"type": "json"}, "taskDuration": "PT1H"},
            "tuningConfig": {"type": "push"},
        },
    }


def open_push(server, source):
    running.until(lambda: server.call("GET", "/v1/push/" + source)[0] == 200, 30, "the push stream " + source)


def pusher(url, source, bodies, rate, started, results):
    """A process that pushes bodies one after the other, as fast as it goes or at a rate of rows a second."""
    host = url.split("//")[1]
    connection = http.client.HTTPConnection(host)
    started.wait()
    begin = time.monotonic()
    for number, body in enumerate(bodies):
        if rate:
            pause = begin + number * BATCH / rate - time.monotonic()
            if pause > 0:
                time.sleep(pause)
        while True:
            sent = time.monotonic()
            connection.request("POST", "/v1/push/" + source, body, {"Content-Type": "application/x-ndjson"})
            reply = connection.getresponse()
            answer = reply.read()
            if reply.status == 200:
                break
            if reply.status != 429:
                sys.exit("a push was refused: %d %s" % (reply.status, answer[:500]))
            time.sleep(float(reply.getheader("Retry-After") or 0.05))
        results.put((sent, time.monotonic()))


def start_pushers(server, source, lists, rate=None):
    started, results = multiprocessing.Event(), multiprocessing.Queue()
    processes = []
    for bodies in lists:
        arguments = (server.url, source, bodies, rate and rate / len(lists), started, results)
        processes.append(multiprocessing.Process(target=pusher, args=arguments))
        processes[-1].start()
    return processes, started, results


def counted(server, source):
    answer = server.query(
        {
            "queryType": "timeseries",
            "dataSource": source,
            "intervals": ["2024-06-01/2024-06-02"],
            "granularity": "all",
            "aggregations": [{"type": "longSum", "name": "rows", "fieldName": "rows"}],
            "context": {"useCache": False, "populateCache": False},
        }
    )
    return (answer[0]["result"]["rows"] or 0) if answer else 0


def percentile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * share))]


def freshness(lamina, seconds, rate):
    """Pushes numbered batches at a rate; a loop of queries notes when each total was first seen."""
    with running.Lamina(lamina) as server:
        server.supervise(push_spec("fresh", 7))
        open_push(server, "fresh")
        bodies = batches(int(seconds * rate / BATCH), 7)
        processes, started, results = start_pushers(server, "fresh", [bodies[i::2] for i in range(2)], rate)
        seen, done = [], threading.Event()

        def look():
            while not done.is_set():
                asked = time.monotonic()
                seen.append((asked, time.monotonic(), counted(server, "fresh")))
                time.sleep(0.002)

        watcher = threading.Thread(target=look)
        watcher.start()
        cpu = server.cpu_seconds()
        started.set()
        times = [results.get() for _ in bodies]
        for process in processes:
            process.join()
        cpu = server.cpu_seconds() - cpu
        time.sleep(0.5)
        done.set()
        watcher.join()
        # The k-th acknowledged batch is visible at the latest when k batches are counted.
        times.sort(key=lambda t: t[1])
        from_sent, from_answer = [], []
        place = 0
        for number, (sent, answered) in enumerate(times):
            while place < len(seen) and seen[place][2] < (number + 1) * BATCH:
                place += 1
            if place == len(seen):
                sys.exit("pushed rows were never seen")
            from_sent.append(seen[place][1] - sent)
            from_answer.append(max(0.0, seen[place][1] - answered))
        wall = times[-1][1] - times[0][0]
        print(
            "freshness  %d rows/s pushed: accepted -> in an answer p50 %.1f ms, p99 %.1f ms; sent -> in an answer p50 %.1f ms,"
            " p99 %.1f ms; %d queries; %.2f CPU-s/s"
            % (
                len(bodies) * BATCH / wall,
                1000 * percentile(from_answer, 0.5),
                1000 * percentile(from_answer, 0.99),
                1000 * percentile(from_sent, 0.5),
                1000 * percentile(from_sent, 0.99),
                len(seen),
                cpu / wall,
            ),
            flush=True,
        )


def report(what, rows, wall, cpu, server):
    print(
        "%-26s %9d rows  %6.2f s  %9.0f rows/s  %9.0f rows/CPU-s  peak %5.0f MB"
        % (what, rows, wall, rows / wall, rows / cpu, server.peak_bytes() / 1e6),
        flush=True,
    )


def push_rate(lamina, columns, rows):
    with running.Lamina(lamina) as server:
        server.supervise(push_spec("pushed", columns))
        open_push(server, "pushed")
        bodies = batches(min(200, rows // BATCH), columns)
        bodies = [bodies[i % len(bodies)] for i in range(rows // BATCH)]
        processes, started, results = start_pushers(server, "pushed", [bodies[i::4] for i in range(4)])
        cpu, begin = server.cpu_seconds(), time.monotonic()
        started.set()
        for _ in bodies:
            results.get()
        wall, cpu = time.monotonic() - begin, server.cpu_seconds() - cpu
        for process in processes:
            process.join()
        if counted(server, "pushed") != len(bodies) * BATCH:
            sys.exit("rows are missing")
        report("push, %d columns" % columns, len(bodies) * BATCH, wall, cpu, server)


def kafka_rate(lamina, columns, rows, servers, topic):
    """The topic is filled first; the supervisor is submitted when all is there."""
    cluster = rdkafka.Producer(servers, "lz4") if servers else rdkafka.Cluster("lz4")
    if not servers:
        cluster.create(topic, 1)
    first = cluster.offsets(topic, 0)[1]
    lines = [line for body in batches(50, columns) for line in body.split(b"\n")]
    for number in range(rows):
        cluster.produce(topic, lines[number % len(lines)])
    cluster.flush()
    low, high = cluster.offsets(topic, 0)
    count = high - max(low, first)
    with running.Lamina(lamina) as server:
        spec = {
            "type": "kafka",
            "spec": {
                "dataSchema": schema("streamed", columns),
                "ioConfig": {
                    "type": "kafka",
                    "topic": topic,
                    "inputFormat": {"type": "json"},
                    "consumerProperties": {"bootstrap.servers": servers or cluster.servers},
                    "useEarliestOffset": True,
                    "taskDuration": "PT1H",
                },
                "tuningConfig": {"type": "kafka"},
            },
        }
        cpu, begin = server.cpu_seconds(), time.monotonic()
        server.supervise(spec)
        running.until(lambda: counted(server, "streamed") >= count, 600, "%d records" % count, pause=0.05)
        wall, cpu = time.monotonic() - begin, server.cpu_seconds() - cpu
        report("kafka, %d columns" % columns, counted(server, "streamed"), wall, cpu, server)
    cluster.close()


def questions(source):
    sums = [{"type": "longSum", "name": "n", "fieldName": "n"}, {"type": "doubleSum", "name": "x", "fieldName": "x"}]
    base = {"dataSource": source, "intervals": ["2024-06-01/2024-06-02"], "aggregations": sums}
    base["context"] = {"useCache": False, "populateCache": False}
    half = {"type": "in", "dimension": "d0", "values": ["v0", "v1"]}
    return {
        "timeseries": {**base, "queryType": "timeseries", "granularity": "minute", "filter": half},
        "topN": {**base, "queryType": "topN", "granularity": "all", "dimension": "d1", "metric": "n", "threshold": 10},
        "groupBy": {**base, "queryType": "groupBy", "granularity": "all", "dimensions": ["d0", "d1", "d2"]},
    }


def timed(server, query, until):
    """Seconds of each ask until a time, by the clock."""
    times = []
    while time.monotonic() < until:
        begin = time.monotonic()
        server.query(query)
        times.append(time.monotonic() - begin)
    return times


def queries(lamina, seconds, rate):
    """The same rows: first while the last of them come in, then when none come any more."""
    with running.Lamina(lamina) as server:
        server.supervise(push_spec("asked", 7, rollup=False, query="NONE"))
        open_push(server, "asked")
        before = batches(500, 7, seed=2)
        processes, started, results = start_pushers(server, "asked", [before[i::2] for i in range(2)])
        started.set()
        for _ in before:
            results.get()
        for process in processes:
            process.join()
        names = list(questions("asked"))
        bodies = batches(int(seconds * rate / BATCH), 7)
        processes, started, results = start_pushers(server, "asked", [bodies[i::2] for i in range(2)], rate)
        started.set()
        time.sleep(0.2)
        during, share = {}, (seconds - 0.4) / len(names)
        for name in names:
            during[name] = timed(server, questions("asked")[name], time.monotonic() + share)
        for _ in bodies:
            results.get()
        for process in processes:
            process.join()
        for name in names:
            rest = timed(server, questions("asked")[name], time.monotonic() + share)
            busy = percentile(during[name], 0.5)
            still = percentile(rest, 0.5)
            print(
                "queries    %-10s p50 %6.1f ms while %d rows/s come in, %6.1f ms at rest: %.2fx (at rest there are more rows)"
                % (name, 1000 * busy, rate, 1000 * still, busy / still),
                flush=True,
            )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lamina", required=True)
    parser.add_argument("--only", default="freshness,push,kafka,queries")
    parser.add_argument("--kafka", help="a broker; its topics must be there, with one partition each")
    parser.add_argument("--topics", default="streams7,streams50", help="of 7 and of 50 columns")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--rate", type=int, default=50000)
    parser.add_argument("--rows", type=int, default=2_000_000, help="of 7 columns; of 50 a fifth")
    options = parser.parse_args()
    parts = options.only.split(",")
    if "freshness" in parts:
        freshness(options.lamina, options.seconds, options.rate)
    if "push" in parts:
        push_rate(options.lamina, 7, options.rows)
        push_rate(options.lamina, WIDE, options.rows // 5)
    if "kafka" in parts:
        seven, fifty = options.topics.split(",")
        kafka_rate(options.lamina, 7, options.rows, options.kafka, seven)
        kafka_rate(options.lamina, WIDE, options.rows // 5, options.kafka, fifty)
    if "queries" in parts:
        queries(options.lamina, options.seconds, options.rate)
    return 0


if __name__ == "__main__":
    sys.exit(main())
