import LaminaBase
import LaminaBroker
import LaminaEngine
import LaminaIngest
import LaminaQuery
import LaminaSegment
import LaminaTestSupport
import Testing

/// Random rows rolled up by a real index job, then random queries over its segments against the oracle, which groups the raw rows
/// itself.
///
/// `LAMINA_SEED=<case> swift test --filter RollupAgainstOracleTests` runs one case alone; see `EngineAgainstOracleTests`.
@Suite struct RollupAgainstOracleTests {
    private static var cases: Range<Int> { oracleCases(usual: 512, long: 12_000) }

    @Test func answersAgree() throws {
        let cases = Self.cases
        var failures = 0
        var refused = 0
        for group in cases.lowerBound / 16...(cases.upperBound - 1) / 16 {
            let tables = try RolledUpTables(group: group)
            defer { tables.remove() }
            for number in max(group * 16, cases.lowerBound)..<min(group * 16 + 16, cases.upperBound) {
                var queries = RandomQueries(generator: SeededGenerator(seed: UInt64(number) &* 57_037 &+ 11))
                let (raw, stored) = queries.rollupQuery(tables.data)
                guard let difference = tables.difference(raw, stored) else {
                    if (try? tables.oracle.answer(raw)) == nil { refused += 1 }
                    continue
                }
                failures += 1
                Issue.record(
                    """
                    case \(number): LAMINA_SEED=\(number) swift test --filter RollupAgainstOracleTests
                      query: \(stored.text)
                      difference: \(difference)
                      tuningConfig: \(tables.data.task["spec"]?["tuningConfig"]?.text ?? "")
                    """
                )
                if failures == 8 { return }
            }
        }
        #expect(refused * 20 <= cases.count, "too many of the queries were errors on both sides")
    }
}

/// One job's segments behind a broker.
private struct RolledUpTables {
    let data: RollupData
    let oracle: NaiveOracle
    private let broker: Broker
    /// The same rows in segments that still grow, and in the segments these become.
    private let growing: Broker
    private let merged: Broker
    private let folder: String

    init(group: Int) throws {
        data = try RollupData(seed: UInt64(group) &* 8_191 &+ 3)
        oracle = NaiveOracle(tables: ["random": data.chunks], lookups: RandomData.lookups)
        folder = try makeTemporaryFolder()
        broker = try Broker { $0.loadSpec["path"]?.stringValue }
        var spec = try IndexTaskSpec(json: data.task)
        spec.inputSource = try InputSource(
            json: ["type": "inline", "data": .string(data.lines)],
            path: "inputSource"
        )
        let job = IndexJob(spec: spec, taskID: "t", workDirectory: folder, threads: 1 + group % 2)
        let result = try job.run(host: TestHost())
        var segments: [DataSegment] = []
        var stored = 0
        for (segment, path) in result.segments {
            guard let path else { continue }
            var segment = segment
            segment.loadSpec = ["type": "local", "path": .string(path)]
            segments.append(segment)
            stored += try Segment.open(path: path).rowCount
        }
        #expect(result.reportPayload["rowStats"]?.text.contains("\"processed\":\(data.rowCount),") == true)
        #expect(stored == data.groupCount, "group \(group): rows that are equal are one, and no others")
        broker.update(dataSource: "random", timeline: SegmentTimeline(segments))
        growing = try Broker { _ in nil }
        merged = try Broker { $0.loadSpec["path"]?.stringValue }
        try fillStreams(group)
    }

    /// Rows in any order but that of one instant, some of them in pieces.
    private func fillStreams(_ group: Int) throws {
        var generator = SeededGenerator(seed: UInt64(group) &* 331 &+ 1)
        var segments: [DataSegment] = []
        var published: [DataSegment] = []
        var rows: [SegmentID: any RealtimeRows] = [:]
        guard var task = data.task.objectValue, var spec = task["spec"]?.objectValue,
            var schema = spec["dataSchema"]?.objectValue
        else { return }
        schema["timestampSpec"] = ["column": "__time", "format": "millis"]
        // The batch task's time column, which would be discovered as a dimension here.
        var dimensions = schema["dimensionsSpec"]?.objectValue ?? JSONObject()
        let excluded = dimensions["dimensionExclusions"]?.arrayValue ?? []
        dimensions["dimensionExclusions"] = .array(excluded + ["at"])
        schema["dimensionsSpec"] = .object(dimensions)
        spec["dataSchema"] = .object(schema)
        task["spec"] = .object(spec)
        var merged = 0
        for (number, chunk) in data.chunks.enumerated() {
            guard let interval = chunk.interval else { continue }
            let times = chunk.rows.map { $0["at"]?.asLong ?? 0 }
            let order = generator.chance(0.5) ? Array(times.indices) : shuffledRows(times, &generator)
            let source = MemoryRows(
                types: chunk.types,
                rows: order.map { place in
                    var row = chunk.rows[place]
                    row["__time"] = .long(times[place])
                    return row
                }
            )
            let feeder = try RowFeeder(IndexTaskSpec(json: .object(task)), interval: interval)
            var segment = realtimeIdentity("random", interval)
            let growing = try feeder.open(segment, folder: "\(folder)/stream\(number)")
            let cuts = (0..<generator.pick([0, 1, 3])).map { _ in Int.random(in: 0...order.count, using: &generator) }
            try feed(source.segment(isTimeOrdered: false), order.count, cuts, feeder, growing)
            segments.append(segment)
            rows[segment.id] = growing
            let copy = try feeder.open(segment, folder: "\(folder)/stream\(number)", pieces: growing.pieces)
            #expect(copy.rowCount == growing.rowCount - growing.memoryRows)
            let path = "\(folder)/published\(number)"
            let twin = try feeder.open(segment, folder: "\(folder)/twin\(number)")
            try feed(source.segment(isTimeOrdered: false), order.count, cuts, feeder, twin)
            merged += try twin.merge(into: path)?.rowCount ?? 0
            segment.loadSpec = ["type": "local", "path": .string(path)]
            published.append(segment)
        }
        #expect(merged == data.groupCount, "group \(group): rows that are equal are one after merging")
        growing.update(dataSource: "random", timeline: SegmentTimeline(segments), realtime: rows)
        self.merged.update(dataSource: "random", timeline: SegmentTimeline(published))
    }

    func remove() { removeTestFiles(folder) }

    func difference(_ raw: JSON, _ stored: JSON) -> String? {
        let expected: JSON
        do { expected = try oracle.answer(raw) } catch let error as NaiveOracle.Unknown {
            return "the oracle: \(error)"
        } catch {
            return nil
        }
        do throws(LaminaError) {
            let lookups: LookupResolver = { name in RandomData.lookups[name].map { LookupTable(map: $0) } }
            let query = try Query(json: stored, lookups: lookups)
            for (name, broker) in [("batch", broker), ("growing", growing), ("merged", merged)] {
                let actual = try JSONParser.parse(try broker.run(query).jsonText())
                let (left, right) = (withoutSegmentTimes(actual, of: raw), withoutSegmentTimes(expected, of: raw))
                if let found = firstDifference(left, right) { return "\(name): \(found)" }
            }
            return nil
        } catch {
            return "error \(error.message)"
        }
    }
}
