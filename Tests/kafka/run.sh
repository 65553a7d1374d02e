#!/bin/bash
# What a mock of Kafka does not do, against a real broker: transactions, codecs, removed records, topics made anew, kill -9. Not part of
# `make test`: needs Java and the Kafka in ../shared/kafka (or $KAFKA). A broker that answers already is used, and not stopped.
#
#   run.sh SWIFT-TEST-COMMAND...
set -u
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(cd "$HERE/../.." && pwd)
KAFKA=${KAFKA:-$ROOT/../shared/kafka/kafka.sh}
[ $# -ge 1 ] || { sed -n '2,5p' "${BASH_SOURCE[0]}" | sed 's/^# \{0,1\}//' >&2; exit 2; }
[ -x "$KAFKA" ] || { echo "skipped: there is no Kafka at $KAFKA"; exit 0; }
command -v java >/dev/null || { echo "skipped: no java (apt-get install openjdk-17-jre-headless)"; exit 0; }
if ! (exec 3<>/dev/tcp/127.0.0.1/9092) 2>/dev/null; then
    KAFKA_RUN=$(mktemp -d)
    export KAFKA_RUN
    trap '"$KAFKA" clean' EXIT
    "$KAFKA" start || exit 1
fi
cd "$ROOT" || exit 1
LAMINA_KAFKA=127.0.0.1:9092 "$@" --filter RealKafkaTests || exit 1
# What a real Druid answered around one supervisor, asked of the program.
GOLD=${GOLD:-$ROOT/../shared/gold}
[ -d "$GOLD" ] || { echo "skipped: there is no gold corpus at $GOLD"; exit 0; }
python3 "$HERE/streaming.py" --lamina "${LAMINA:-$ROOT/.build/release/lamina}" --gold "$GOLD" --kafka "$KAFKA"
