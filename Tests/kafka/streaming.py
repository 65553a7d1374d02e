#!/usr/bin/env python3
"""Replays the recorded exchanges with a real Druid around one Kafka supervisor (gold answers/streaming.jsonl) against Lamina.

    streaming.py --lamina BINARY --gold DIR --kafka KAFKA_SH [--verbose]

Starts a broker and a server, fills the topic as the recording did, asks every request in its order and compares status and shape:
ids, times, rates and what depends on the moment are masked. Exchanges with /druid/v2/sql are counted apart: there is no SQL yet.
Where Lamina is meant to differ from Druid the step says why. The last line is "N passed, N failed".
"""

import argparse
import ctypes
import gzip
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

SUPERVISOR = "/druid/indexer/v1/supervisor"
BAD = ['this is no json', '{"ts": "never", "country": "x"}', '{}']
# Values that no two runs share.
MASKED = {"generationTime", "startTime", "remainingSeconds", "createdTime", "queueInsertionTime", "version", "offsetsLastUpdated",
          "timeOfExceptionMillis", "duration", "movingAverages", "location", "runnerStatusCode", "size", "identifier", "loadSpec",
          "specString", "lag", "currentOffsets", "kafka.timestamp", "minimumLag", "latestOffsets", "aggregateLag"}
# Steps that end otherwise, for a reason.
REASONS = {
    "bad.not_json": "Druid breaks (500); Lamina refuses (400)",
    "bad.unknown_type": "the known types are named: Lamina's",
    "reset_offsets.bad": "Druid breaks (500); Lamina refuses (400)",
    "suspended.stats": "Lamina has published by then; Druid takes half a minute, in which it shows the task",
    "suspended.parse_errors": "Lamina has published by then, and its task is over",
    "resumed.parse_errors": "Lamina has published by then, and its task is over",
    "after_reset.status": "Druid's reset leaves tasks of three specs publishing; Lamina publishes one spec's before the next reads",
    "replace.while_streaming": "in Druid a replacement waits for the stream, in Lamina it goes through at once",
    "replaced.segment_metadata": "Druid's reset doubled the rows it read again in other segments",
}


def send(url, method, path, body=None):
    data = None
    if body is not None:
        data = (body if isinstance(body, str) else json.dumps(body)).encode()
    elif method == "POST":
        data = b""
    request = urllib.request.Request(url + path, data=data, method=method, headers={"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.headers.get("Content-Type", ""), answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers.get("Content-Type", ""), error.read().decode()


def parsed(text):
    try:
        return json.loads(text)
    except ValueError:
        return text


def mask_text(text):
    text = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", "TIME", text)
    text = re.sub(r"(index_kafka_stream_clicks)_[0-9a-f]{15}_[a-p]{8}", r"\1_ID", text)
    text = re.sub(r"(index_parallel_stream_clicks)_[a-p]{8}_TIME", r"\1_ID", text)
    return text


def shape(value, key=None):
    """The value with what no two runs share masked; lists of tasks and offsets keep their keys."""
    if key in MASKED:
        return "*"
    if isinstance(value, dict):
        return {mask_text(k): shape(v, k) for k, v in value.items() if k not in ("lag", "currentOffsets")}
    if isinstance(value, list):
        if key == "dimensionExclusions":
            return sorted(value)
        return [shape(v, key) for v in value]
    return mask_text(value) if isinstance(value, str) else value


def differences(wanted, found, path="$"):
    if isinstance(wanted, dict) and isinstance(found, dict):
        for key in sorted(set(wanted) | set(found)):
            if key not in found:
                if key not in ("latestOffsets", "offsetsLastUpdated"):
                    yield "%s.%s is missing" % (path, key)
            elif key not in wanted:
                # Known a little earlier than in the recording.
                if key not in ("latestOffsets", "offsetsLastUpdated"):
                    yield "%s.%s is new: %r" % (path, key, found[key])
            else:
                yield from differences(wanted[key], found[key], "%s.%s" % (path, key))
    elif isinstance(wanted, list) and isinstance(found, list):
        if len(wanted) != len(found):
            yield "%s has %d elements, not %d" % (path, len(found), len(wanted))
        for index, (one, other) in enumerate(zip(wanted, found)):
            yield from differences(one, other, "%s[%d]" % (path, index))
    elif wanted != found:
        yield "%s is %r, not %r" % (path, found, wanted)


class Producer:
    """librdkafka itself: it is there where Lamina runs."""

    def __init__(self):
        self.library = library = ctypes.CDLL("librdkafka.so.1")
        for name in ("rd_kafka_conf_new", "rd_kafka_new", "rd_kafka_topic_new"):
            getattr(library, name).restype = ctypes.c_void_p
        conf = ctypes.c_void_p(library.rd_kafka_conf_new())
        text = ctypes.create_string_buffer(512)
        for key, value in ((b"bootstrap.servers", b"localhost:9092"), (b"log_level", b"0")):
            if library.rd_kafka_conf_set(conf, key, value, text, ctypes.c_size_t(512)) != 0:
                sys.exit("librdkafka: %s" % text.value.decode())
        self.client = ctypes.c_void_p(library.rd_kafka_new(0, conf, text, ctypes.c_size_t(512)))
        self.topics = {}

    def send(self, topic, partition, lines):
        if topic not in self.topics:
            self.topics[topic] = ctypes.c_void_p(self.library.rd_kafka_topic_new(self.client, topic.encode(), None))
        for line in lines:
            data = line.encode()
            copy = 2
            failed = self.library.rd_kafka_produce(
                self.topics[topic], ctypes.c_int32(partition), copy, data, ctypes.c_size_t(len(data)), None, ctypes.c_size_t(0), None)
            if failed:
                sys.exit("a record could not be sent")
        if self.library.rd_kafka_flush(self.client, 30000) != 0:
            sys.exit("the broker did not take the records")


class Run:
    def __init__(self, url, gold, kafka, verbose):
        self.url, self.gold, self.kafka, self.verbose = url, gold, kafka, verbose
        self.ids = {}
        self.producer = Producer()
        self.passed, self.failed, self.sql, self.argued = 0, 0, 0, 0
        self.history = 0

    def produce(self, partition, lines):
        self.producer.send("stream_clicks", partition, lines)

    def lines(self, day, first, last):
        with gzip.open(self.gold / "data" / ("events-%s.json.gz" % day), "rt") as file:
            return [line.rstrip("\n") for line in file][first:last]

    def status(self):
        return parsed(send(self.url, "GET", SUPERVISOR + "/stream_clicks/status")[2])["payload"]

    def until(self, what, condition, seconds=60):
        end = time.time() + seconds
        while time.time() < end:
            if condition():
                return
            time.sleep(0.1)
        print("FAIL %s did not come in time" % what)
        self.failed += 1

    def read(self, offsets):
        """Waits until the active tasks have read up to these offsets."""
        def there():
            reached = {}
            for task in self.status()["activeTasks"]:
                reached.update(task["currentOffsets"])
            return all(reached.get(key, 0) >= value for key, value in offsets.items())
        self.until("reading up to %r" % offsets, there)

    def rows(self):
        query = {"queryType": "timeseries", "dataSource": "stream_clicks", "intervals": ["2024-01-01/2025-01-01"], "granularity": "all",
                 "aggregations": [{"type": "count", "name": "n"}, {"type": "longSum", "name": "c", "fieldName": "clicks"},
                                  {"type": "longSum", "name": "rows", "fieldName": "cnt"}]}
        answer = parsed(send(self.url, "POST", "/druid/v2", query)[2])
        return answer[0]["result"] if answer else {"n": 0, "c": 0, "rows": 0}

    def expect_rows(self, step, rows, clicks):
        result = self.rows()
        if (result["rows"], result["c"]) == (rows, clicks):
            self.passed += 1
        else:
            self.failed += 1
            print("FAIL %s: rows and clicks are %r, not %r" % (step, result, (rows, clicks)))

    def before(self, name):
        """What happened between the recorded steps."""
        if name == "create":
            lines = self.lines("2024-03-10", 0, 4000)
            self.produce(0, lines[:2000])
            self.produce(1, lines[2000:])
        elif name == "running.list":
            self.read({"0": 2000, "1": 2000})
            self.until("a run", lambda: self.status()["detailedState"] == "RUNNING")
            self.expect_rows("running", 4000, self.clicks("2024-03-10", 0, 4000))
        elif name == "more.list":
            self.produce(0, self.lines("2024-03-11", 0, 1000) + BAD)
            self.read({"0": 3003})
            self.until("newest offsets", lambda: self.status().get("latestOffsets", {}).get("0") == 3003)
            self.expect_rows("more", 5000, 15631)
        elif name == "suspended.list":
            self.expect_rows("suspended", 5000, 15631)
            self.until("suspension", lambda: self.status()["state"] == "SUSPENDED")
        elif name == "suspended.segments_metadata":
            self.until("publishing", lambda: not self.status()["publishingTasks"])
            self.expect_rows("published", 5000, 15631)
        elif name == "resumed.list":
            self.produce(1, self.lines("2024-03-11", 1000, 1500))
            self.read({"1": 2500})
            self.until("a run", lambda: self.status()["detailedState"] == "RUNNING")
            self.expect_rows("resumed", 5500, 17133)
        elif name == "handoff_groups":
            self.until("tasks", lambda: self.status()["activeTasks"])
        elif name == "reset_offsets":
            self.until("publishing", lambda: not self.status()["publishingTasks"])
            self.expect_rows("changed", 5500, 17133)
        elif name == "after_reset.status":
            self.until("tasks", lambda: len(self.status()["activeTasks"]) == 2)
            self.read({"0": 3003, "1": 2500})
            # As in Druid, what was published is read again and is there twice.
            self.expect_rows("reset", 11000, 2 * 17133)
        elif name == "replace.done":
            self.until("the replacement", lambda: self.task_state() == "SUCCESS", 120)
            # The stream's later rows stay beside the new version; those of the other day are there twice.
            self.expect_rows("replaced", 20000 + 3000, None or self.clicks("2024-03-10", 0, 20000) + 2 * self.clicks("2024-03-11", 0, 1500))
        elif name == "replaced.list":
            send(self.url, "POST", SUPERVISOR + "/stream_clicks/suspend")
            self.until("publishing", lambda: not self.status()["publishingTasks"] and not self.status()["activeTasks"])

    def clicks(self, day, first, last):
        return sum(json.loads(line).get("clicks") or 0 for line in self.lines(day, first, last))

    def task_state(self):
        answer = parsed(send(self.url, "GET", "/druid/indexer/v1/task/%s/status" % self.ids["task"])[2])
        return answer["status"]["statusCode"]

    def step(self, exchange):
        name, path = exchange["name"], exchange["path"]
        if path.startswith("/druid/v2/sql"):
            self.sql += 1
            return
        self.before(name)
        request = exchange["request"]
        if request is not None:
            request = json.loads(json.dumps(request).replace("${DATA}", str(self.gold / "data")))
        path = re.sub(r"index_parallel_stream_clicks_[^/]*", lambda _: self.ids.get("task", "none"), path)
        status, kind, text = send(self.url, exchange["method"], path, request)
        found = parsed(text)
        if name == "replace.submit":
            self.ids["task"] = found.get("task")
        if name in REASONS:
            self.argued += 1
            if status in (200, 400):
                self.passed += 1
            else:
                self.failed += 1
                print("FAIL %s: status %d: %s" % (name, status, text[:300]))
            return
        problems = []
        if status != exchange["status"]:
            problems.append("status %d, not %d: %s" % (status, exchange["status"], text[:200]))
        elif not kind.startswith(exchange["contentType"].split(";")[0]):
            problems.append("content type %s, not %s" % (kind, exchange["contentType"]))
        else:
            problems += self.compare(name, exchange["response"], found)
        if problems:
            self.failed += 1
            print("FAIL %s: %s" % (name, "; ".join(problems[: 20 if self.verbose else 4])))
        else:
            self.passed += 1

    def compare(self, name, wanted, found):
        if name.endswith(("status", "stats", "tasks", "history")) or name == "terminated.all_history":
            # How many specs and tasks there were by then depends on the steps that differ.
            wanted, found = self.trimmed(name, wanted), self.trimmed(name, found)
        if name.endswith("segments_metadata"):
            wanted, found = ([dict(one, shardSpec="*") for one in answer] for answer in (wanted, found))
        if name.endswith("segment_metadata"):
            # Sizes and ids are of the moment; the columns are not.
            wanted, found = ({key: {"type": column["type"]} for key, column in one[0]["columns"].items()} for one in (wanted, found))
        if name.endswith("parse_errors"):
            wanted, found = (sorted(one["errorType"] for one in answer) for answer in (wanted, found))
        if name == "sampler.kafka_format":
            # Discovered dimensions come in order of first appearance; Druid's order depends on hash maps.
            for answer in (wanted, found):
                for key in ("logicalDimensions", "physicalDimensions", "logicalSegmentSchema"):
                    answer[key] = sorted(answer[key], key=lambda one: one["name"])
        return list(differences(shape(wanted), shape(found)))

    def trimmed(self, name, answer):
        if name.endswith("status") and isinstance(answer, dict) and "payload" in answer:
            payload = dict(answer["payload"])
            payload["publishingTasks"] = []
            return dict(answer, payload=payload)
        if name.endswith("stats") and isinstance(answer, dict):
            tasks = [task for group in answer.values() for task in group.values()]
            return tasks[:1]
        if name.endswith("tasks") and isinstance(answer, list):
            return [dict(task, status="*", statusCode="*") for task in answer if task["type"] == "index_kafka"][:1]
        if name.endswith("history") and isinstance(answer, list):
            return answer[:2]
        if isinstance(answer, dict) and "stream_clicks" in answer:
            return {"stream_clicks": answer["stream_clicks"][:2]}
        return answer


def answers():
    try:
        socket.create_connection(("localhost", 9092), 1).close()
        return True
    except OSError:
        return False


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lamina", required=True)
    parser.add_argument("--gold", type=pathlib.Path, required=True)
    parser.add_argument("--kafka", type=pathlib.Path, required=True)
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    exchanges = [json.loads(line) for line in (options.gold / "answers" / "streaming.jsonl").read_text().splitlines()]
    with tempfile.TemporaryDirectory(prefix="lamina-streaming-") as folder:
        if not answers():
            subprocess.run([options.kafka, "start"], check=True)
        subprocess.run([options.kafka, "topic", "stream_clicks", "--delete"], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        subprocess.run([options.kafka, "topic", "stream_clicks", "2"], check=True)
        command = [options.lamina, "server", "--data", os.path.join(folder, "data"), "--port", "0"]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            url = re.search(r"http://\S+", server.stdout.readline())
            if not url:
                sys.exit("the server did not start")
            run = Run(url.group(0), options.gold, options.kafka, options.verbose)
            for exchange in exchanges:
                run.step(exchange)
                if server.poll() is not None:
                    sys.exit("the server died at %s" % exchange["name"])
        finally:
            server.send_signal(signal.SIGTERM)
            try:
                server.wait(30)
            except subprocess.TimeoutExpired:
                server.kill()
    print("%d need SQL, %d differ for a reason" % (run.sql, run.argued))
    print("%d passed, %d failed" % (run.passed, run.failed))
    sys.exit(1 if run.failed else 0)


if __name__ == "__main__":
    main()
