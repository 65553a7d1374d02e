#!/usr/bin/env python3
"""Queries all the while rows are pushed, spilled, handed off and replaced by batch tasks: every count they see must be a legal one.

    handoff.py --lamina BINARY [--rounds N]

Three threads ask for the number of rows without a pause. Legal is: while a push goes in, any number between the one before and the one
after; while a task replaces everything, the old number or the new one; at all other times, the one number there is. Every fourth round
replaces, by DAY or by HOUR segments over the stream's HOUR ones; the others hand off.
"""

import argparse
import json
import sys
import threading
import time

import running

START = 1704067200000
DAY = "2024-01-01/2024-01-02"
ROWS = 500


def schema(granularity, **more):
    return {
        "dataSource": "loop",
        "timestampSpec": {"column": "t", "format": "millis"},
        "dimensionsSpec": {"dimensions": ["id"]},
        "metricsSpec": [{"type": "count", "name": "count"}],
        "granularitySpec": dict({"segmentGranularity": granularity, "queryGranularity": "NONE", "rollup": True}, **more),
    }


def rows(name, count):
    return [{"t": START + i % 20 * 3600000 + i, "id": "%s-%d" % (name, i)} for i in range(count)]


class Watch:
    """What may be seen at the moment, and what threads see."""

    def __init__(self, server):
        self.server = server
        self.legal = {0}
        self.lock = threading.Lock()
        self.asked = 0
        self.illegal = []
        self.ended = False

    def may_be(self, values):
        with self.lock:
            self.legal = set(values)

    def ask(self):
        query = {"queryType": "timeseries", "dataSource": "loop", "granularity": "all", "intervals": [DAY],
                 "aggregations": [{"type": "longSum", "name": "count", "fieldName": "count"}]}
        while not self.ended:
            with self.lock:
                before = self.legal
            answer = self.server.query(query)
            with self.lock:
                legal = before | self.legal
                self.asked += 1
                seen = answer[0]["result"]["count"] or 0 if answer else 0
                if seen not in legal:
                    self.illegal.append((seen, sorted(legal)[:5]))


def play(server, watch, rounds):
    total = 0
    replaced = 0
    for number in range(rounds):
        watch.may_be(range(total, total + ROWS + 1))
        reply = server.ask("/v1/push/loop", rows("push%d" % number, ROWS))
        assert reply["accepted"] == ROWS, reply
        total += ROWS
        watch.may_be([total])
        if number % 4 != 3:
            server.call("POST", "/druid/indexer/v1/supervisor/loop/taskGroups/handoff", {"taskGroupIds": [0]})
        else:
            left = 100 + number
            watch.may_be([total, left])
            server.index(task("DAY" if number % 8 == 3 else "HOUR", rows("batch", left)))
            total = left
            watch.may_be([total])
            replaced += 1
        time.sleep(0.25)
    return replaced


def task(granularity, data):
    return {
        "type": "index_parallel",
        "spec": {
            "dataSchema": schema(granularity, intervals=[DAY]),
            "ioConfig": {"type": "index_parallel", "dropExisting": True, "inputFormat": {"type": "json"},
                         "inputSource": {"type": "inline", "data": "\n".join(json.dumps(row) for row in data)}},
            "tuningConfig": {"type": "index_parallel"},
        },
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lamina", required=True)
    parser.add_argument("--rounds", type=int, default=40)
    options = parser.parse_args()
    with running.Lamina(options.lamina) as server:
        server.supervise({
            "type": "push",
            "spec": {
                "dataSchema": schema("HOUR"),
                "ioConfig": {"type": "push", "inputFormat": {"type": "json"}},
                # Each push spills, too.
                "tuningConfig": {"type": "push", "maxRowsInMemory": 300},
            },
        })
        watch = Watch(server)
        threads = [threading.Thread(target=watch.ask) for _ in range(3)]
        for thread in threads:
            thread.start()
        try:
            replaced = play(server, watch, options.rounds)
        finally:
            watch.ended = True
            for thread in threads:
                thread.join()
    print("%d queries over %d rounds, %d of them replacements: %d illegal counts"
          % (watch.asked, options.rounds, replaced, len(watch.illegal)))
    for seen, legal in watch.illegal[:5]:
        print("seen %d, legal %s ..." % (seen, legal))
    return 1 if watch.illegal or watch.asked < 1000 else 0


if __name__ == "__main__":
    sys.exit(main())
