# Lamina: `make quickstart` on a fresh machine, `make test` before a push. Every target works from a fresh clone.
SHELL := /bin/bash
MACHINE := $(shell uname -m)

# Exclusive access is proved where it can be; the checks at run time that remain cost 8 % of indexing.
FLAGS := -Xswiftc -enforce-exclusivity=unchecked

# Release builds use what every x86-64 machine since 2015 has (AVX2, BMI, FMA); the binary checks the CPU at its start.
ifeq ($(MACHINE),x86_64)
FLAGS += -Xcc -march=x86-64-v3 -Xswiftc -DLAMINA_X86_64_V3
endif

RELEASE := swift build -c release $(FLAGS)
# Without testable imports the tests share every module with `make build`: nothing is compiled twice.
TEST := swift test -c release $(FLAGS) --disable-xctest --disable-testable-imports
LAMINA := .build/release/lamina

.PHONY: deps build quickstart test test-long test-druid test-kafka test-streams test-tsan bench lint toolchain clean

toolchain:
	@.ci/toolchain

# Debian packages and the Python tools of tests and benchmarks; nothing to do when all is there.
deps:
	@.ci/deps

build: toolchain
	$(RELEASE) --product lamina

# Real Wikipedia edits: a task indexes them, four queries read them.
quickstart: toolchain deps build
	@Tests/Samples/quickstart $(LAMINA)

test: toolchain deps
	$(TEST)

# Also what takes minutes: kill -9 at random moments, every byte of the small segments, millions of rows.
test-long: toolchain deps build
	LAMINA_LONG=1 $(TEST)

# Needs Java and ../shared/druid: a real Druid loads and compares what Lamina writes.
test-druid: build
	Tests/druid/run.sh $(LAMINA)

# Needs Java and ../shared/kafka: sources read from a real broker.
test-kafka: toolchain deps build
	Tests/kafka/run.sh $(TEST)

# Streams from the outside: the example pipeline, the accounting of a day, the gold questions over streamed rows.
test-streams: build
	python3 Tests/pipeline/run $(LAMINA)
	python3 Tests/handoff.py --lamina $(LAMINA)
	python3 Tests/accounting.py --lamina $(LAMINA)
	[ ! -d ../shared/gold ] || python3 Tests/streamed.py --lamina $(LAMINA) --gold ../shared/gold

# Races: the suites in which threads meet, under the thread sanitizer, in a debug build.
test-tsan: toolchain
	Tests/tsan/run.sh

bench: deps build
	Benchmarks/run $(LAMINA)

lint: toolchain
	swift format lint --strict --recursive --parallel Package.swift Sources Tests

clean:
	rm -rf .build
