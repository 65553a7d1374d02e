#!/usr/bin/env python3
"""Starts a fresh server, loads and asks the whole gold corpus, and compares what fails with the list of what is known to fail.

    gold.py --lamina BINARY --gold DIR --known FILE [--write] [--area AREA ...]

Fails when a case fails that is not listed, or when a listed one passes: the list can only shrink by a change that takes the line
out. --write puts the present failures into the list instead. The last line is "N passed, N failed".
"""

import argparse
import pathlib
import re
import signal
import subprocess
import sys
import tempfile


def listed(path):
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return {line.split("#")[0].strip() for line in lines} - {""}


def start(lamina, data):
    server = subprocess.Popen([lamina, "server", "--data", data, "--port", "0"], stdout=subprocess.PIPE, text=True)
    line = server.stdout.readline()
    url = re.search(r"http://\S+", line)
    if not url:
        server.kill()
        sys.exit("the server did not start: %r" % line)
    return server, url.group(0)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lamina", required=True)
    parser.add_argument("--gold", type=pathlib.Path, required=True)
    parser.add_argument("--known", type=pathlib.Path, required=True)
    parser.add_argument("--area", action="append", default=[])
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()

    with tempfile.TemporaryDirectory(prefix="lamina-gold-") as data:
        server, url = start(options.lamina, data)
        try:
            command = [sys.executable, str(options.gold / "compare.py"), "--url", url, "--ingest"]
            for area in options.area:
                command += ["--area", area]
            output = subprocess.run(command, stdout=subprocess.PIPE, text=True).stdout
            died = server.poll()
        finally:
            server.send_signal(signal.SIGTERM)
            try:
                stopped = server.wait(30)
            except subprocess.TimeoutExpired:
                server.kill()
                stopped = None

    failing = set(re.findall(r"^FAIL (\S+)", output, re.M))
    totals = re.search(r"^(\d+) passed, (\d+) failed, (\d+) skipped$", output, re.M)
    print("\n".join(line for line in output.splitlines() if re.match(r"^\S+ +\d+ passed|^\d+ ", line)))
    if totals is None or died is not None:
        print(output[-4000:])
        print("the comparison did not end" if totals is None else "the server died with status %s" % died)
        return 1
    if stopped != 0:
        print("the server did not stop cleanly on SIGTERM: %s" % stopped)
    if options.write:
        options.known.write_text("".join(name + "\n" for name in sorted(failing)), encoding="utf-8")
    known = listed(options.known)
    details = dict(re.findall(r"^FAIL (\S+)[^\n]*\n((?:     [^\n]*\n)*)", output, re.M))
    new = sorted(failing - known)
    asked = {n for n in known if not options.area or n.split(".")[0] in options.area + ["ingest"]}
    mended = sorted(asked - failing)
    for name in new:
        print("FAIL %s is not in %s\n%s" % (name, options.known, details.get(name, "").rstrip()))
    for name in mended:
        print("PASS %s is listed in %s as failing: take the line out" % (name, options.known))
    print("%s of %s known failures failed again" % (len(asked & failing), len(asked)))
    bad = len(new) + len(mended) + (stopped != 0)
    print("%d passed, %d failed" % (int(totals.group(1)), bad))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
