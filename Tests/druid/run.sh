#!/bin/bash
# A real Druid judges what Lamina writes: it compares rewritten segments with its own, loads segments of Lamina's index tasks, and
# answers the same native queries. Not part of `make test`: needs Java and the Druid in ../shared/druid (or $DRUID).
#
#   run.sh LAMINA [check|tasks|gold_tasks]...      all parts without a choice
set -eu
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(cd "$HERE/../.." && pwd)
DRUID=${DRUID:-$ROOT/../shared/druid/druid.sh}
GOLD=${GOLD:-$ROOT/../shared/gold}
[ $# -ge 1 ] || { sed -n '2,5p' "${BASH_SOURCE[0]}" | sed 's/^# \{0,1\}//' >&2; exit 2; }
LAMINA=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
shift
[ -x "$DRUID" ] || { echo "skipped: there is no Druid at $DRUID"; exit 0; }
command -v java >/dev/null || { echo "skipped: no java (apt-get install openjdk-17-jre-headless)"; exit 0; }
exec python3 "$HERE/interop.py" --lamina "$LAMINA" --druid "$DRUID" --gold "$GOLD" "$@"
