#!/usr/bin/env bash
# The suites in which threads meet, under the thread sanitizer: in the debug build, some twenty times slower than otherwise.
# Tests/tsan/run.sh [suite...]; a report goes to the terminal and makes it fail.
set -euo pipefail
cd "$(dirname "$0")/../.."

rooms=LaminaEngine,LaminaHTTPClient,LaminaIngest,LaminaKafka,LaminaMetadata,LaminaBroker,LaminaTasks,LaminaHTTP
tests=LaminaIngestTests,LaminaKafkaTests,LaminaBrokerTests,LaminaTasksTests,LaminaHTTPTests
export LAMINA_ONLY=$rooms,$tests,LaminaTestSupport,LaminaKafkaTestSupport

[ $# -gt 0 ] || set -- \
    RealtimeSegmentTests StreamIndexerTests LaminaIngestTests.StreamCrashTests JournalTests PushStreamTests \
    LaminaKafkaTests LaminaTasksTests LaminaHTTPTests

swift build --build-tests --sanitize=thread -Xswiftc -gline-tables-only
clang -O1 -shared -fPIC -o .build/unseen.so Tests/tsan/unseen.c

# Suppressed: where they are wrong, with the reason in the file.
export TSAN_OPTIONS="suppressions=$PWD/Tests/tsan/suppressions exitcode=66 ${TSAN_OPTIONS:-}"
LD_PRELOAD=$PWD/.build/unseen.so \
    .build/debug/laminaPackageTests.xctest --testing-library swift-testing "${@/#/--filter=}"
