import LaminaBase
import LaminaIngest
import LaminaSegment
import LaminaSketches
import LaminaTestSupport
import Testing

/// Rows of a stream that bring sketches along: whatever these are, a row counts whole or is refused by name, and the stream goes on.
@Suite struct StoredStateRowsTests {
    private func fixture(_ metrics: [JSON]) throws -> StreamFixture {
        try StreamFixture(
            streamSpec(
                schema: [
                    "dimensionsSpec": ["dimensions": [["type": "long", "name": "id"]]],
                    "metricsSpec": .array([["type": "count", "name": "n"]] + metrics),
                    "granularitySpec": ["segmentGranularity": "HOUR", "queryGranularity": "HOUR", "rollup": true],
                ],
                tuning: ["maxSavedParseExceptions": 10]
            )
        )
    }

    private func row(_ sketch: [UInt8]) -> String {
        #"{"ts":\#(streamStart),"id":1,"s":"\#(base64Encoded(sketch))"}"#
    }

    /// Rows that the `count` of all stored rows stands for.
    private func counted(_ fixture: StreamFixture) throws -> Int64 {
        var sum: Int64 = 0
        for view in fixture.host.state.read({ $0.announced.values.flatMap { $0.views() } }) where view.rowCount > 0 {
            guard case .long(let column)? = try view.column("n") else { continue }
            sum += try column.makeReader().read(0..<view.rowCount).reduce(0, +)
        }
        return sum
    }

    /// Sketches of one kind with other parameters than the metric's, and of more and fewer values.
    private func samples(_ kind: String) throws -> [[UInt8]] {
        var all: [[UInt8]] = []
        for count in [0, 1, 9, 300] {
            func numbers<Kind: NumberSketch>(_ empties: [Kind]) {
                for var sketch in empties {
                    for number in 0..<count { sketch.update(Double(number) * 0.75 - 10) }
                    all.append(sketch.bytes)
                }
            }
            switch kind {
            case "thetaSketch":
                for size in [16, 64, 16384] {
                    var sketch = ThetaSketch(size: size)
                    for number in 0..<count { sketch.update(hash: ThetaSketch.hash(Int64(number))) }
                    all.append(sketch.bytes)
                }
            case "HLLSketchMerge":
                for (lgK, bits) in [(4, 4), (12, 8), (21, 6)] {
                    var sketch = HLLSketch(lgK: lgK, registerBits: bits)
                    for number in 0..<count { sketch.update(coupon: UInt32(number * 7919 + 1) | 1 << 26) }
                    all.append(sketch.bytes)
                }
            case "arrayOfDoublesSketch":
                for (entries, values) in [(16, 1), (4096, 2), (64, 3)] {
                    var sketch = TupleSketch(nominalEntries: entries, numberOfValues: values)
                    for number in 0..<count {
                        sketch.update(hash: ThetaSketch.hash(Int64(number)), Array(repeating: 0.5, count: values))
                    }
                    all.append(sketch.bytes)
                }
            case "quantilesDoublesSketch": numbers([try QuantilesSketch(k: 2), try QuantilesSketch(k: 256)])
            case "KllDoublesSketch": numbers([try KLLSketch<Double>(k: 8), try KLLSketch<Double>(k: 500)])
            case "KllFloatsSketch": numbers([try KLLSketch<Float>(k: 8), try KLLSketch<Float>(k: 500)])
            case "approxHistogramFold":
                numbers([try ApproximateHistogram(size: 3), try ApproximateHistogram(size: 60)])
            case "fixedBucketsHistogram":
                for mode in FixedBucketsHistogram.OutlierMode.allCases {
                    numbers([
                        try FixedBucketsHistogram(lowerLimit: 0, upperLimit: 50, buckets: 12, mode: mode),
                        try FixedBucketsHistogram(lowerLimit: -90, upperLimit: -5, buckets: 2, mode: mode),
                    ])
                }
            default: numbers([VarianceState()])
            }
        }
        return all
    }

    @Test(
        arguments: [
            ["type": "thetaSketch", "isInputThetaSketch": true, "size": 32], ["type": "HLLSketchMerge", "lgK": 10],
            ["type": "arrayOfDoublesSketch", "nominalEntries": 32, "numberOfValues": 2],
            ["type": "quantilesDoublesSketch", "k": 32], ["type": "KllDoublesSketch", "k": 20],
            ["type": "KllFloatsSketch", "k": 20], ["type": "approxHistogramFold", "resolution": 10],
            [
                "type": "fixedBucketsHistogram", "lowerLimit": -20, "upperLimit": 20, "numBuckets": 7,
                "outlierHandlingMode": "overflow",
            ], ["type": "varianceFold"],
        ] as [JSON]
    ) func rowsWithSketchesOfAnyKindCountWholeOrNotAtAll(_ metric: JSON) throws {
        var object = try #require(metric.objectValue)
        object["name"] = "sketch"
        object["fieldName"] = "s"
        let kind = try #require(metric["type"]?.stringValue)
        let fixture = try fixture([.object(object)])
        let samples = try samples(kind)
        var rows: [[UInt8]] = samples
        var random = SeededGenerator(seed: 7)
        for sample in samples where sample.count < 5000 {
            rows.append(Array(sample.dropLast()))
            for _ in 0..<20 {
                guard !sample.isEmpty else { break }
                var changed = sample
                changed[Int.random(in: 0..<min(60, sample.count), using: &random)] ^=
                    1 << UInt8.random(in: 0..<8, using: &random)
                rows.append(changed)
            }
        }
        // Those of all other kinds too.
        for other in ["thetaSketch", "HLLSketchMerge", "quantilesDoublesSketch", "varianceFold"] where other != kind {
            rows += try self.samples(other)
        }
        rows.shuffle(using: &random)
        var rejected = 0
        for (number, start) in stride(from: 0, to: rows.count, by: 20).enumerated() {
            let batch = rows[start..<min(start + 20, rows.count)]
            let prepared = try fixture.append(batch.map(row))
            #expect(prepared.acceptedRows + prepared.rejections.count == batch.count)
            #expect(prepared.rejections.allSatisfy { $0.reason == .unparseable && !$0.message.isEmpty })
            rejected += prepared.rejections.count
            // In pieces, in memory, and once over a restart.
            if number % 3 == 0 { try fixture.indexer.persist() }
            if number == 3 { try fixture.crash() }
        }
        let totals = fixture.indexer.counters.totals
        #expect(totals.unparseable == Int64(rejected))
        #expect(totals.processed == Int64(rows.count - rejected))
        #expect(rejected > 0 && rejected < rows.count)
        #expect(try counted(fixture) == totals.processed)
        // And they can be merged, and read again.
        try fixture.indexer.stop(publishing: true)
        #expect(try fixture.host.visible() == [1])
        #expect(fixture.indexer.status.error == nil)
        fixture.end()
    }

    /// The bytes of a quantiles sketch of k 2 with 4 · 2^level items, of which two are kept.
    private func quantiles(level: Int) -> [UInt8] {
        var bytes: [UInt8] = [2, 3, 8, 26, 2, 0, 0, 0]
        for word in [UInt64(4) << UInt64(level), 1.0.bitPattern, 2.0.bitPattern, 1.0.bitPattern, 2.0.bitPattern] {
            bytes += (0..<8).map { UInt8(truncatingIfNeeded: word >> ($0 * 8)) }
        }
        return bytes
    }

    @Test func sketchesOfMoreItemsThanCanBeCountedTogetherAreRefused() throws {
        let fixture = try fixture([
            ["type": "quantilesDoublesSketch", "name": "sketch", "fieldName": "s", "k": 32]
        ])
        // 2^48 together: the third is too much, a small one is not.
        let prepared = try fixture.append([45, 45, 45, 10, 53].map { row(quantiles(level: $0)) })
        #expect(prepared.rejections.map(\.record) == [2, 3, 4])
        #expect(prepared.rejections.allSatisfy { $0.reason == .unparseable && $0.message.contains("items") })
        try fixture.indexer.persist()
        #expect(try fixture.append([row(quantiles(level: 10))]).acceptedRows == 0)
        #expect(try counted(fixture) == 2)
        #expect(fixture.indexer.counters.totals.unparseable == 4)
        #expect(fixture.indexer.parseErrors.count == 4)
        // With the hand-off there is room again.
        fixture.indexer.handOff(now: fixture.clock.now)
        #expect(try fixture.append([row(quantiles(level: 45))]).acceptedRows == 1)
        try fixture.indexer.stop(publishing: true)
        #expect(try fixture.host.visible() == [1, 1])
        fixture.end()
    }
}
