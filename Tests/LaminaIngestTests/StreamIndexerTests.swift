import Glibc
import LaminaBase
import LaminaIngest
import LaminaSegment
import LaminaTestSupport
import Testing

/// The life of a stream's rows: taken in, persisted, handed off, published.
@Suite struct StreamIndexerTests {
    private func wait(_ what: String, _ isDone: () -> Bool) throws {
        let isThere = eventually(isDone)
        try #require(isThere, "waited too long for \(what)")
    }

    private func rows(_ ids: Range<Int64>, hour: Int64 = 0) -> [String] { ids.map { streamRow($0, hour: hour) } }

    @Test func everyRowIsCountedOnce() throws {
        let filter: JSON = ["type": "not", "field": ["type": "selector", "dimension": "k", "value": "drop"]]
        let fixture = try StreamFixture(
            streamSpec(
                schema: ["transformSpec": ["filter": filter]],
                io: [
                    "lateMessageRejectionPeriod": "PT1H", "earlyMessageRejectionPeriod": "PT1H", "taskDuration": "PT1H",
                ],
                tuning: ["maxSavedParseExceptions": 3]
            )
        )
        let bounds = fixture.indexer.bounds
        #expect(bounds == RowBounds(min: streamStart - hourMillis, max: streamStart + 2 * hourMillis))
        let values: [String?] = [
            streamRow(1), "no json", streamRow(2, hour: -1), nil,
            streamRow(3, k: "drop"), #"{"ts":"never","id":4}"#, #"{"ts":\#(bounds.min - 1),"id":5,"k":"a"}"#,
            #"{"ts":\#(bounds.max),"id":6,"k":"a"}"#, #"{"ts":\#(bounds.max + 1),"id":7,"k":"a"}"#,
            #"{"ts":\#(streamStart),"id":"no number","k":"a"}"#, #"{"ts":\#(bounds.min - 1),"id":8,"k":"drop"}"#,
        ]
        let batch = recordBatch(values.map { $0.map { Array($0.utf8) } }, first: 0)
        let prepared = try fixture.indexer.prepare(batch, bounds: bounds)
        typealias Reason = PreparedRecords.Reason
        let wanted: [(Int, Reason)] = [
            (1, .unparseable), (3, .tombstone), (4, .filtered), (5, .unparseable), (6, .late), (8, .early),
            (10, .filtered),
        ]
        #expect(prepared.rejections.map(\.record) == wanted.map(\.0))
        #expect(prepared.rejections.map(\.reason) == wanted.map(\.1))
        #expect(prepared.rejections[0].message.contains("Unable to parse row [no json]"))
        #expect(prepared.rejections[3].message.contains("Timestamp[never] is unparseable!"))
        #expect(prepared.acceptedRows == 4)
        try fixture.indexer.append(prepared)
        let totals = fixture.indexer.counters.totals
        #expect(totals.processed == 3)
        #expect(totals.processedWithError == 1)
        #expect(totals.late == 1 && totals.early == 1 && totals.filtered == 2 && totals.tombstones == 1)
        #expect(totals.unparseable == 2)
        #expect(totals.thrownAway == 5)
        #expect(totals.seen == Int64(values.count))
        #expect(totals.processedBytes == Int64(batch.bytes.count))
        #expect(fixture.indexer.parseErrors.count == 3)
        #expect(fixture.indexer.parseErrors[0]["errorType"] == "processedWithError")
        // Counts are durable with the position they belong to.
        try fixture.indexer.persist()
        try fixture.append([streamRow(9)])
        try fixture.crash()
        #expect(fixture.indexer.counters.totals == totals)
        #expect(fixture.indexer.position[streamPartitions[0]] == Int64(values.count))
    }

    @Test func badRowsEndTheStreamAtTheirLimit() throws {
        let fixture = try StreamFixture(streamSpec(tuning: ["maxParseExceptions": 2]))
        try fixture.append(["x", "y", streamRow(1)])
        #expect(throws: LaminaError.self) { try fixture.append(["z"]) }
        #expect(fixture.indexer.position[streamPartitions[0]] == 3)
        #expect(try fixture.host.visible() == [1])
    }

    @Test func handOffPublishesRowsAndOffsetsTogether() throws {
        let fixture = try StreamFixture(streamSpec())
        try fixture.append(rows(0..<10) + rows(10..<15, hour: 1))
        try fixture.append(rows(100..<103), partition: 1)
        #expect(try fixture.host.visible().count == 18)
        fixture.indexer.handOff(now: fixture.clock.now)
        try fixture.append(rows(15..<20))
        try wait("the publish") { fixture.host.state.read { $0.committed } != nil }
        let state = fixture.host.state.read { $0 }
        #expect(state.committed == [streamPartitions[0]: 15, streamPartitions[1]: 3])
        #expect(state.published.count == 2)
        #expect(try fixture.host.visible().count == 23)
        // What is left belongs to the next sequence, which follows without a gap.
        try fixture.indexer.stop(publishing: true)
        let publishes = fixture.host.state.read { $0.publishes }
        #expect(publishes.count == 2)
        #expect(publishes[1].from == publishes[0].to)
        #expect(fixture.host.state.read { $0.announced.isEmpty })
        #expect(try fixture.host.visible().count == 23)
        // Nothing is left to hand off, and nothing of what was on disk.
        try fixture.restart()
        try fixture.indexer.stop(publishing: true)
        #expect(fixture.host.state.read { $0.publishes.count } == 2)
        #expect(try folderEntries(fixture.folder) == ["commit.json"])
        fixture.end()
    }

    @Test(arguments: ["maxRowsPerSegment", "maxTotalRows", "taskDuration", "intermediateHandoffPeriod"])
    func handsOffBy(_ reason: String) throws {
        var io: JSONObject = [:]
        var tuning: JSONObject = [:]
        switch reason {
        case "taskDuration": io[reason] = "PT10M"
        case "intermediateHandoffPeriod": tuning[reason] = "PT10M"
        default: tuning[reason] = 20
        }
        let fixture = try StreamFixture(streamSpec(io: io, tuning: tuning))
        try fixture.append(rows(0..<10))
        fixture.clock.advance(599_999)
        fixture.indexer.tick(now: fixture.clock.now)
        #expect(fixture.indexer.status.sequences.count == 1)
        try fixture.append(rows(10..<20))
        fixture.clock.advance(1)
        fixture.indexer.tick(now: fixture.clock.now)
        try wait(reason) { fixture.host.state.read { $0.committed?[streamPartitions[0]] } == 20 }
        #expect(fixture.indexer.status.taskStarted == streamStart + (reason == "taskDuration" ? 600_000 : 0))
    }

    /// Rows of published segments, ascending.
    private func published(_ fixture: StreamFixture) -> [Int] {
        fixture.host.state.read { $0.published.values.map(\.count) }.sorted()
    }

    @Test func noSegmentGetsMoreRowsThanItMayHaveAlsoInOneBatch() throws {
        let fixture = try StreamFixture(streamSpec(tuning: ["maxRowsPerSegment": 100]))
        try fixture.append(rows(0..<30))
        // More than the rest of the segment, and several whole ones; two hours fit where they are.
        try fixture.append(rows(30..<405) + rows(405..<450, hour: 1) + rows(450..<455, hour: 2))
        #expect(try fixture.host.visible() == Array(0..<455))
        try wait("the publish") { fixture.host.state.read { $0.publishes.count } == 1 }
        #expect(published(fixture) == [5, 5, 45, 100, 100, 100, 100])
        #expect(fixture.host.state.read { $0.committed } == [streamPartitions[0]: 455, streamPartitions[1]: 0])
        try fixture.append(rows(455..<655))
        try fixture.crash()
        let taken = fixture.indexer.position[streamPartitions[0]] ?? 0
        #expect(taken == 455 || taken == 655)
        try fixture.append(rows(taken..<700))
        try fixture.indexer.stop(publishing: true)
        #expect(try fixture.host.visible() == Array(0..<700))
        #expect(published(fixture).allSatisfy { $0 <= 100 })
        fixture.end()
    }

    @Test func storedRowsCountWhereRowsAreRolledUp() throws {
        let fixture = try StreamFixture(
            streamSpec(
                schema: [
                    "dimensionsSpec": ["dimensions": [["type": "long", "name": "id"]]],
                    "metricsSpec": [["type": "count", "name": "n"]],
                    "granularitySpec": ["segmentGranularity": "HOUR", "queryGranularity": "HOUR", "rollup": true],
                ],
                tuning: ["maxRowsPerSegment": 100]
            )
        )
        // 40 stored rows of 1,000: a segment opened for the others is not used, and not published.
        try fixture.append((0..<1000).map { streamRow($0 % 40) })
        #expect(fixture.indexer.status.sequences.count == 1)
        try fixture.append((0..<1000).map { streamRow($0 % 40) })
        #expect(try fixture.host.visible() == Array(0..<40))
        // The 100th stored row fills it; those behind it begin anew.
        try fixture.append((0..<250).map { streamRow($0) })
        try fixture.indexer.stop(publishing: true)
        #expect(published(fixture) == [50, 100, 100])
        #expect(try fixture.host.visible() == Array(0..<250))
        #expect(fixture.host.state.read { $0.announced.isEmpty && $0.pending.isEmpty })
        fixture.end()
    }

    @Test func rowsLeaveMemoryByRowsBytesAndTime() throws {
        for tuning: JSONObject in [
            ["maxRowsInMemory": 10], ["maxBytesInMemory": 1], ["intermediatePersistPeriod": "PT1M"],
        ] {
            let fixture = try StreamFixture(streamSpec(tuning: tuning))
            try fixture.append(rows(0..<10))
            fixture.clock.advance(60_000)
            fixture.indexer.tick(now: fixture.clock.now)
            try wait("the commit") { fixture.indexer.status.durable[streamPartitions[0]] == 10 }
            try fixture.crash()
            #expect(fixture.indexer.position[streamPartitions[0]] == 10)
            #expect(try fixture.host.visible() == Array(0..<10))
        }
    }

    /// What an index takes that is empty, persisting cannot free: rows must come in all the same.
    @Test func fewBytesForManySegmentsSlowTheStreamButDoNotStopIt() throws {
        let fixture = try StreamFixture(streamSpec(tuning: ["maxBytesInMemory": 1]))
        let count = Monitor(0)
        nonisolated(unsafe) let shared = fixture
        let appender = try WorkerThread(name: "append") {
            for hour in 0..<5 {
                for number in 0..<3 as Range<Int64> {
                    guard (try? shared.append(self.rows(number..<number + 1, hour: Int64(hour)))) != nil else { return }
                    count.update { $0 += 1 }
                }
            }
        }
        let isDone: Bool? = count.wait(milliseconds: 60_000) { $0 == 15 ? true : nil }
        #expect(isDone == true)
        if isDone == nil { try fixture.indexer.abandon() }
        appender.join()
    }

    /// Merging takes long; it must not keep rows in memory, and whoever waits for room, until it is done.
    @Test func rowsArePersistedWhileOthersAreMerged() throws {
        var rowCount: Int64 = 10_000
        for _ in 0..<7 {
            let fixture = try StreamFixture(streamSpec())
            let merges = Monitor(0)
            fixture.host.state.update {
                $0.onStep = { step in if step == .merging { merges.update { $0 += 1 } } }
            }
            try fixture.append(rows(0..<rowCount))
            try fixture.append(rows(0..<1, hour: 1))
            fixture.indexer.handOff(now: fixture.clock.now)
            _ = merges.wait { $0 > 0 ? true : nil }
            // It goes on right behind the step.
            usleep(10_000)
            try fixture.append(rows(0..<1, hour: 2))
            try fixture.indexer.persist()
            if merges.read({ $0 == 1 }) { return }
            // Perhaps the first merge was too short.
            rowCount *= 2
        }
        Issue.record("rows were persisted only after the merge")
    }

    /// A publish that got through and yet told of an error: trying again finds it done, and nothing is withdrawn for it.
    @Test func aPublishWhoseAnswerIsLostIsFoundDone() throws {
        let fixture = try StreamFixture(streamSpec())
        try fixture.append(rows(0..<10))
        fixture.host.state.update { $0.losesAnswer = true }
        fixture.indexer.handOff(now: fixture.clock.now)
        try fixture.append(rows(10..<20))
        try fixture.indexer.persist()
        try wait("the publish") { fixture.indexer.status.sequences.count == 1 || fixture.indexer.status.error != nil }
        try wait("the second try") {
            let status = fixture.indexer.status
            return status.sequences.count == 1 || status.error?.category == .conflict
        }
        #expect(fixture.indexer.status.error == nil)
        #expect(try fixture.host.visible() == Array(0..<20))
        try fixture.append(rows(20..<30))
        try fixture.indexer.stop(publishing: true)
        fixture.end()
        #expect(try fixture.host.visible() == Array(0..<30))
        #expect(fixture.host.state.read { $0.publishes.count } == 2)
    }

    @Test func anIdleStreamsFirstRowsAreNotHandedOffAlone() throws {
        let fixture = try StreamFixture(streamSpec(tuning: ["intermediateHandoffPeriod": "PT10M"]))
        fixture.clock.advance(1_200_000)
        fixture.indexer.tick(now: fixture.clock.now)
        try fixture.append(rows(0..<1))
        fixture.indexer.tick(now: fixture.clock.now)
        #expect(fixture.indexer.status.sequences.count == 1)
        fixture.clock.advance(600_000)
        fixture.indexer.tick(now: fixture.clock.now)
        try wait("the hand-off") { fixture.host.state.read { $0.committed?[streamPartitions[0]] } == 1 }
    }

    @Test func appendWaitsWhilePersistingIsBehind() throws {
        let fixture = try StreamFixture(streamSpec(tuning: ["maxRowsInMemory": 10]))
        fixture.host.state.update { $0.isPersistHeld = true }
        try fixture.append(rows(0..<10))
        try fixture.append(rows(10..<20))
        let isIn = Monitor(false)
        nonisolated(unsafe) let shared = fixture
        let appender = try WorkerThread(name: "append") {
            _ = try? shared.append(self.rows(20..<30))
            isIn.update { $0 = true }
        }
        usleep(100_000)
        #expect(isIn.read { !$0 })
        #expect(try fixture.host.visible() == Array(0..<20))
        fixture.host.state.update { $0.isPersistHeld = false }
        appender.join()
        #expect(try fixture.host.visible() == Array(0..<30))
    }

    @Test func aFullDiskRefusesRowsUntilThereIsRoomAgain() throws {
        let fixture = try StreamFixture(streamSpec(tuning: ["maxRowsInMemory": 10]))
        fixture.host.state.update { $0.isDiskFull = true }
        try fixture.append(rows(0..<10))
        #expect(throws: LaminaError.self) {
            for first in stride(from: Int64(10), to: 1000, by: 10) { try fixture.append(rows(first..<first + 10)) }
        }
        let taken = fixture.indexer.position[streamPartitions[0]] ?? 0
        #expect(try fixture.host.visible() == Array(0..<taken))
        #expect(fixture.indexer.status.error != nil)
        #expect(throws: LaminaError.self) { try fixture.indexer.cut([.eternity]) }
        fixture.host.state.update { $0.isDiskFull = false }
        try fixture.indexer.persist()
        try fixture.append(rows(taken..<taken + 5))
        #expect(try fixture.host.visible() == Array(0..<taken + 5))
        #expect(fixture.indexer.status.error == nil)
    }

    @Test func aCutKeepsEarlierAndLaterRowsApart() throws {
        let fixture = try StreamFixture(streamSpec())
        try fixture.append(rows(0..<10) + rows(10..<20, hour: 1))
        let hour = Interval(start: streamStart, end: streamStart + hourMillis)
        let old = fixture.host.segments(hour)
        try fixture.indexer.cut([hour])
        try fixture.append(rows(20..<25) + rows(25..<30, hour: 1))
        #expect(fixture.host.state.read { $0.opened.count } == 3)
        // Replaced, then a crash: what was there before the cut is not read again.
        fixture.host.drop(old)
        #expect(try fixture.host.visible() == Array(10..<30))
        try fixture.crash()
        #expect(fixture.indexer.position[streamPartitions[0]] == 20)
        #expect(try fixture.host.visible() == Array(10..<20))
        try fixture.append(rows(20..<25) + rows(25..<30, hour: 1))
        try fixture.indexer.stop(publishing: true)
        #expect(try fixture.host.visible() == Array(10..<30))
        #expect(fixture.host.state.read { $0.publishes.count } == 1)
        fixture.end()
    }

    /// A segment that is being opened was allocated before the cut: rows that come later must not go there.
    @Test func aCutWaitsForASegmentThatIsBeingOpened() throws {
        let fixture = try StreamFixture(streamSpec())
        fixture.host.state.update { $0.isOpenHeld = true }
        nonisolated(unsafe) let shared = fixture
        let appender = try WorkerThread(name: "append") { try? shared.append(self.rows(0..<10)) }
        try wait("the allocation") { fixture.host.state.read { $0.opened.count } == 1 }
        let made = Monitor<StreamCut?>(nil)
        let cutter = try WorkerThread(name: "cut") {
            let cut = try? shared.indexer.cut([.eternity])
            made.update { $0 = cut }
        }
        usleep(50_000)
        #expect(made.read { $0 == nil })
        fixture.host.state.update { $0.isOpenHeld = false }
        appender.join()
        cutter.join()
        let cut = try #require(made.read { $0 })
        #expect(try fixture.host.visible() == Array(0..<10))
        #expect(cut.segments == [fixture.host.state.read { $0.opened[0].id }])
        // The rows came before the cut or after it, and are where they belong.
        let reached = try #require(cut.position[streamPartitions[0]])
        fixture.host.drop(cut.segments)
        #expect(try fixture.host.visible() == Array(reached..<10))
    }

    @Test func rowsJoinChunksOfAnyLength() throws {
        let fixture = try StreamFixture(
            streamSpec(schema: [
                "granularitySpec": [
                    "segmentGranularity": "DAY", "queryGranularity": "DAY", "rollup": false,
                ]
            ])
        )
        // Two hours are there already in an otherwise empty day.
        let hours = (2..<4).map {
            Interval(start: streamStart + $0 * hourMillis, end: streamStart + ($0 + 1) * hourMillis)
        }
        let others = [
            Interval(start: streamStart, end: streamStart + 2 * hourMillis),
            Interval(start: streamStart + 4 * hourMillis, end: streamStart + 24 * hourMillis),
        ]
        fixture.host.state.update { $0.chunks = hours + others }
        try fixture.append((0..<48).map { streamRow($0, hour: $0 / 2) })
        #expect(try fixture.host.visible() == Array(0..<48))
        let opened = fixture.host.state.read { $0.opened.map(\.interval) }
        #expect(Set(opened) == Set(hours + others))
        #expect(opened.count == 4)
        for (segment, rows) in fixture.host.state.read({ $0.announced }) {
            for view in rows.views() {
                let bounds = try #require(try view.timeBounds)
                #expect(bounds.min == segment.interval.start && bounds.max == segment.interval.start)
            }
        }
    }

    @Test func aConflictGivesTheRowsUp() throws {
        let fixture = try StreamFixture(streamSpec())
        try fixture.append(rows(0..<10))
        try fixture.indexer.persist()
        // Somebody sets the position elsewhere.
        fixture.host.state.update { $0.committed = [streamPartitions[0]: 7] }
        fixture.indexer.handOff(now: fixture.clock.now)
        try wait("the conflict") {
            fixture.indexer.status.error != nil && fixture.host.state.read { $0.announced.isEmpty }
        }
        #expect(throws: LaminaError.self) { try fixture.append(rows(10..<11)) }
        try fixture.indexer.abandon()
        #expect(try fixture.host.visible().isEmpty)
        try fixture.restart()
        #expect(fixture.indexer.position == [streamPartitions[0]: 7, streamPartitions[1]: 0])
        #expect(fixture.indexer.counters.totals.seen == 0)
    }

    @Test func aPositionThatWasMovedWhileItWasDownCounts() throws {
        let fixture = try StreamFixture(streamSpec())
        try fixture.append(rows(0..<10))
        try fixture.indexer.stop(publishing: false)
        fixture.host.state.update { $0.committed = [streamPartitions[0]: 4] }
        try fixture.restart()
        #expect(fixture.indexer.position[streamPartitions[0]] == 4)
        try fixture.append(rows(4..<10))
        #expect(fixture.indexer.counters.totals.seen == 6)
    }

    @Test func aFailedPublishIsTriedAgain() throws {
        let fixture = try StreamFixture(streamSpec())
        fixture.host.state.update { $0.failures = [LaminaError(.runtimeFailure, code: "io", "busy")] }
        try fixture.append(rows(0..<10))
        try fixture.indexer.stop(publishing: true)
        #expect(try fixture.host.visible() == Array(0..<10))
        #expect(fixture.host.state.read { $0.publishes.count } == 1)
        fixture.end()
    }

    @Test func rowsThatAllFallAwayMoveThePosition() throws {
        let fixture = try StreamFixture(streamSpec())
        try fixture.append(["x", "y"])
        try fixture.indexer.stop(publishing: true)
        #expect(fixture.host.state.read { $0.committed?[streamPartitions[0]] } == 2)
        #expect(fixture.host.state.read { $0.opened.isEmpty })
        try fixture.restart()
        #expect(fixture.indexer.counters.totals.unparseable == 2)
    }

    @Test func recordsComeInTheirOrderOnly() throws {
        let fixture = try StreamFixture(streamSpec())
        try fixture.append(rows(0..<10))
        let again = recordBatch([Array(streamRow(3).utf8)], first: 3)
        #expect(throws: LaminaError.self) {
            try fixture.indexer.append(fixture.indexer.prepare(again, bounds: .all))
        }
        #expect(try fixture.host.visible() == Array(0..<10))
    }

    @Test func rollupSpansPiecesAndSequencesAreMerged() throws {
        let fixture = try StreamFixture(
            streamSpec(
                schema: [
                    "dimensionsSpec": ["dimensions": ["k"]],
                    "metricsSpec": [
                        ["type": "count", "name": "count"], ["type": "longSum", "name": "id", "fieldName": "id"],
                    ],
                    "granularitySpec": ["segmentGranularity": "HOUR", "queryGranularity": "HOUR", "rollup": true],
                ]
            )
        )
        for _ in 0..<3 {
            try fixture.append((1...100).map { streamRow($0, k: $0 % 2 == 0 ? "even" : "odd") })
            try fixture.indexer.persist()
        }
        try fixture.append((1...100).map { streamRow($0, k: $0 % 2 == 0 ? "even" : "odd") })
        try fixture.indexer.stop(publishing: true)
        #expect(try fixture.host.visible() == [4 * 2500, 4 * 2550])
        fixture.end()
    }

    @Test func aDamagedCommitIsNamed() throws {
        let fixture = try StreamFixture(streamSpec())
        try fixture.append(rows(0..<10))
        try fixture.indexer.stop(publishing: false)
        try writeFile("\(fixture.folder)/commit.json", Array("{".utf8))
        #expect { try fixture.restart() } throws: { error in
            (error as? LaminaError)?.message.contains("commit.json") ?? false
        }
        fixture.end()
    }

    @Test func averagesAreDropwizards() throws {
        var meter = StreamMeter(now: 0)
        var counts = StreamCounts()
        counts.processed = 4000
        meter.add(counts, now: 1000)
        #expect(meter.json(now: 5000)["1m"]?["processed"] == 0.0)
        #expect(meter.json(now: 5001)["15m"]?["processed"] == 800.0)
        counts = StreamCounts()
        counts.processed = 1000
        counts.unparseable = 3
        meter.add(counts, now: 5002)
        let later = meter.json(now: 15_001)
        // As a real Druid printed after such a stream.
        #expect(later["1m"]?["unparseable"] == 0.04413761384322548)
        #expect(later["5m"]?["unparseable"] == 0.009753212003766951)
        #expect(later["15m"]?["unparseable"] == 0.0033056752265846544)
        #expect(later["1m"]?["processed"] == 691.8979178602332)
    }
}
