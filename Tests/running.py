"""A Lamina server to script against: starting, asking, waiting, and what its process used."""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request


class Lamina:
    """`lamina server` over a data folder of its own, or over the one given."""

    def __init__(self, binary, data=None, environment=None):
        self.binary, self.folder = binary, None
        if data is None:
            self.folder = tempfile.TemporaryDirectory(prefix="lamina-script-")
            data = self.folder.name
        self.data, self.environment = data, environment
        self.start()

    def start(self):
        command = [self.binary, "server", "--data", self.data, "--port", "0"]
        environment = {**os.environ, **(self.environment or {})}
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        line = self.process.stdout.readline()
        url = re.search(r"http://\S+", line)
        if not url:
            self.process.kill()
            sys.exit("the server did not start: %r" % line)
        self.url = url.group(0)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """The exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self.folder:
            self.folder.cleanup()
            self.folder = None
        return self.process.returncode

    def call(self, method, path, body=None, headers=None):
        """Status and bytes."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode("utf-8")
        headers = {"Content-Type": "application/json", **(headers or {})}
        request = urllib.request.Request(self.url + path, data=data, headers=headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=300) as reply:
                return reply.status, reply.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def ask(self, path, body=None, method=None):
        """The parsed answer; ends the script when it is an error."""
        status, answer = self.call(method or ("GET" if body is None else "POST"), path, body)
        if status >= 300:
            sys.exit("%s: %d %s" % (path, status, answer[:2000].decode("utf-8", "replace")))
        return json.loads(answer) if answer else None

    def query(self, query):
        return self.ask("/druid/v2", query)

    def rows(self, source, interval="0000/3000"):
        """The sum of `count` of a rolled-up source is the caller's business; this counts stored rows."""
        answer = self.query(
            {
                "queryType": "timeseries",
                "dataSource": source,
                "intervals": [interval],
                "granularity": "all",
                "aggregations": [{"type": "count", "name": "rows"}],
            }
        )
        return answer[0]["result"]["rows"] if answer else 0

    def index(self, task, wait=600):
        """Runs a task to its end; the report. Ends the script when it fails."""
        name = self.ask("/druid/indexer/v1/task", task)["task"]
        until(lambda: self.task(name)["status"] != "RUNNING", wait, "the task %s to end" % name)
        status = self.task(name)
        if status["status"] != "SUCCESS":
            sys.exit("the task %s failed: %s" % (name, status.get("errorMsg")))
        return self.ask("/druid/indexer/v1/task/%s/reports" % name)["ingestionStatsAndErrors"]["payload"]

    def task(self, name):
        return self.ask("/druid/indexer/v1/task/%s/status" % name)["status"]

    def supervise(self, spec):
        return self.ask("/druid/indexer/v1/supervisor", spec)["id"]

    def supervisor(self, name, what):
        return self.ask("/druid/indexer/v1/supervisor/%s/%s" % (name, what))

    def lag(self, name):
        """Records of all partitions that are not read yet; None while nobody knows."""
        payload = self.supervisor(name, "status")["payload"]
        lags = payload.get("minimumLag") or {}
        if not lags or any(v is None for v in lags.values()):
            return payload.get("aggregateLag") if lags else None
        return sum(lags.values())

    def cpu_seconds(self):
        """User and system time of the process."""
        with open("/proc/%d/stat" % self.process.pid) as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def peak_bytes(self):
        with open("/proc/%d/status" % self.process.pid) as file:
            return int(re.search(r"VmHWM:\s+(\d+)", file.read()).group(1)) * 1024


def until(test, seconds, what, pause=0.1):
    """Waits until a test gives something true; ends the script when it does not."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = test()
        if found:
            return found
        time.sleep(pause)
    sys.exit("waited %d s for %s" % (seconds, what))
