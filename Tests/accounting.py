#!/usr/bin/env python3
"""A day of event time with late, early, doubled and malformed rows, pushed and streamed: every row must be in one of the counters.

    accounting.py --lamina BINARY [--rows N]

What the server shows is compared with what was sent: accepted + late + early + unparseable + duplicate = sent, each number as it was
sent, and the accepted ones as many as queries count. The counters outlive restarts, in the middle of which the server is stopped
once and killed once.
"""

import argparse
import collections
import datetime
import json
import random
import signal
import sys
import time

import rdkafka
import running

HOUR = 3600


def schema(source):
    return {
        "dataSource": source,
        "timestampSpec": {"column": "t", "format": "iso"},
        "dimensionsSpec": {"dimensions": ["id", "kind"]},
        "granularitySpec": {"segmentGranularity": "HOUR", "queryGranularity": "NONE", "rollup": False},
    }


def made(pick, number, now):
    """A row and what is to become of it: the last 24 hours are taken in, older rows are late, those of tomorrow early."""
    kind = pick.choices(("accepted", "late", "early", "unparseable"), (90, 4, 3, 3))[0]
    if kind == "unparseable":
        return kind, pick.choice(['{"t":"nonsense","id":"%d"}', '{"t":null,"id":"%d"}', '{"id":"%d"', "not json %d"]) % number
    # Well off the limits, which move while rows are sent.
    seconds = {"accepted": -pick.uniform(60, 24 * HOUR), "late": -pick.uniform(26 * HOUR, 60 * HOUR), "early": pick.uniform(5 * HOUR, 20 * HOUR)}[kind]
    at = datetime.datetime.fromtimestamp(now + seconds, datetime.timezone.utc)
    return kind, json.dumps({"t": at.isoformat(), "id": str(number), "kind": kind})


def io(kind, **more):
    return {
        "type": kind,
        "inputFormat": {"type": "json"},
        "taskDuration": "PT1H",
        "lateMessageRejectionPeriod": "PT25H",
        "earlyMessageRejectionPeriod": "PT2H",
        **more,
    }


TUNING = {"maxRowsInMemory": 500, "intermediatePersistPeriod": "PT1S", "maxSavedParseExceptions": 5}


def check(label, wanted, found, server, source):
    queried = running.Lamina.rows(server, source)
    found = {k: found.get(k, 0) for k in ("accepted", "late", "early", "unparseable", "duplicate")}
    sent = sum(wanted.values())
    print("%-7s sent %d = %s; counted %s; queries count %d" % (label, sent, dict(wanted), found, queried))
    bad = [k for k in found if found[k] != wanted.get(k, 0)]
    if sum(found.values()) != sent:
        bad.append("sum")
    if queried != wanted["accepted"]:
        bad.append("rows")
    if bad:
        print("FAIL %s: %s" % (label, ", ".join(bad)))
    return len(bad)


def totals(server, source):
    """Over all tasks of a supervisor."""
    sums = collections.Counter()
    for group in server.supervisor(source, "stats").values():
        for name in group:
            status, report = server.call("GET", "/druid/indexer/v1/task/%s/reports" % name)
            # A task may end between the two questions; the caller asks again.
            if status != 200:
                continue
            report = json.loads(report)["ingestionStatsAndErrors"]["payload"]
            counts = report["rowStats"]["totals"]["buildSegments"]
            reasons = report["thrownAwayByReason"]
            sums["accepted"] += counts["processed"] + counts["processedWithError"]
            sums["unparseable"] += counts["unparseable"]
            sums["late"] += reasons["beforeMinimumMessageTime"]
            sums["early"] += reasons["afterMaximumMessageTime"]
    return sums


def restart(server, number):
    """An orderly stop, or none."""
    if number % 2:
        # What a status shows of pushes is written down about once a second.
        time.sleep(2)
        server.process.send_signal(signal.SIGKILL)
        server.process.wait()
    else:
        server.process.send_signal(signal.SIGTERM)
        server.process.wait(60)
    server.start()


def push(server, rows, pick):
    """Some batches are sent again with the key they had."""
    wanted = collections.Counter()
    running.until(lambda: server.call("GET", "/v1/push/pushed")[0] == 200, 30, "the push stream")
    batches = [rows[i : i + 250] for i in range(0, len(rows), 250)]
    for number, batch in enumerate(batches):
        if number in (len(batches) // 3, 2 * len(batches) // 3):
            restart(server, number)
            running.until(lambda: server.call("GET", "/v1/push/pushed")[0] == 200, 30, "the push stream")
        body = "\n".join(text for _, text in batch).encode("utf-8")
        for again in range(pick.choice((1, 1, 1, 2, 3))):
            status, reply = server.call("POST", "/v1/push/pushed", body, {"Idempotency-Key": "batch %d" % number, "Content-Type": "application/x-ndjson"})
            if status != 200:
                sys.exit("a push was refused: %d %s" % (status, reply[:1000]))
            counts = json.loads(reply)
            if counts["received"] != counts["accepted"] + counts["rejected"] + counts["duplicate"]:
                sys.exit("an answer does not add up: %s" % reply[:1000])
            if again:
                wanted["duplicate"] += len(batch)
            else:
                wanted.update(kind for kind, _ in batch)
    return wanted, pushed_counts(server)


def pushed_counts(server):
    payload = server.supervisor("pushed", "status")["payload"]
    push = payload["push"] if "push" in payload else payload
    rejected = push["rejected"]
    return {"accepted": push["accepted"], "duplicate": push["duplicate"], **rejected}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lamina", required=True)
    parser.add_argument("--rows", type=int, default=20000)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    pick = random.Random(options.seed)
    now = time.time()
    rows = [made(pick, number, now) for number in range(options.rows)]
    failed = 0
    cluster = rdkafka.Cluster("gzip")
    cluster.create("accounting", 3)
    with running.Lamina(options.lamina) as server:
        server.supervise({"type": "push", "spec": {"dataSchema": schema("pushed"), "ioConfig": io("push"), "tuningConfig": {"type": "push", **TUNING}}})
        wanted, counted = push(server, rows, pick)
        failed += check("push", wanted, counted, server, "pushed")

        kafka = io("kafka", topic="accounting", useEarliestOffset=True, consumerProperties={"bootstrap.servers": cluster.servers})
        server.supervise({"type": "kafka", "spec": {"dataSchema": schema("streamed"), "ioConfig": kafka, "tuningConfig": {"type": "kafka", **TUNING}}})
        wanted = collections.Counter(kind for kind, _ in rows)
        for number, (kind, text) in enumerate(rows):
            cluster.produce("accounting", text.encode("utf-8"), number % 3)
            if number % (len(rows) // 3) == len(rows) // 3 - 1 and number + 3 < len(rows):
                cluster.flush()
                restart(server, number)
        cluster.flush()
        running.until(lambda: sum(totals(server, "streamed").values()) >= len(rows), 120, "all records")
        failed += check("stream", wanted, totals(server, "streamed"), server, "streamed")
    print("every row is accounted for" if not failed else "FAILED")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
