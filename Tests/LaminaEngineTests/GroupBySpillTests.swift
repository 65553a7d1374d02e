import LaminaBase
import LaminaEngine
import LaminaQuery
import LaminaTestSupport
import Synchronization
import Testing

/// A groupBy that must put its groups on disk answers as one that need not.
@Suite struct GroupBySpillTests {
    /// A spill space in memory, with a limit.
    private final class MemorySpill: SpillSpace {
        private let bytes = Mutex<[UInt8]>([])
        private let bytesMax: Int

        init(bytesMax: Int = .max) { self.bytesMax = bytesMax }

        var byteCount: Int { bytes.withLock { $0.count } }

        func append(_ more: UnsafeRawBufferPointer) throws(LaminaError) -> Int {
            let place = bytes.withLock { bytes -> Int? in
                guard bytes.count + more.count <= bytesMax else { return nil }
                bytes.append(contentsOf: more)
                return bytes.count - more.count
            }
            guard let place else { throw .resourceLimit("full") }
            return place
        }

        func read(at offset: Int, into buffer: UnsafeMutableRawBufferPointer) throws(LaminaError) {
            bytes.withLock { bytes in
                bytes.withUnsafeBytes {
                    buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[offset..<offset + buffer.count]))
                }
            }
        }

        func map(_ byteCount: Int) throws(LaminaError) -> SpilledMemory {
            let memory = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: 4096)
            memory.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
            return SpilledMemory(memory) { $0.deallocate() }
        }
    }

    private static let aggregations: JSON = [
        ["type": "count", "name": "rows"], ["type": "longSum", "name": "count", "fieldName": "count"],
        ["type": "doubleMax", "name": "price", "fieldName": "price"],
        ["type": "floatMin", "name": "ratio", "fieldName": "ratio"],
        ["type": "doubleMean", "name": "mean", "fieldName": "price"],
        [
            "type": "filtered", "filter": ["type": "selector", "dimension": "color", "value": "a"],
            "aggregator": ["type": "longMax", "name": "big", "fieldName": "big"],
        ],
    ]

    private static let kinds: [JSONObject] = [
        [:],
        ["granularity": "hour"],
        ["granularity": "hour", "context": ["sortByDimsFirst": true]],
        ["granularity": "hour", "context": ["sortByDimsFirst": true], "limitSpec": ["type": "default", "limit": 50]],
        ["limitSpec": ["type": "default", "limit": 30, "offset": 7]],
        ["limitSpec": ["type": "default", "columns": [["dimension": "rows", "direction": "descending"]]]],
        [
            "limitSpec": [
                "type": "default", "limit": 100, "columns": [["dimension": "price", "direction": "descending"], "k0"],
            ]
        ],
        [
            "limitSpec": [
                "type": "default", "limit": 5000, "columns": [["dimension": "k1", "dimensionOrder": "alphanumeric"]],
            ]
        ],
        [
            "having": ["type": "greaterThan", "aggregation": "rows", "value": 1],
            "limitSpec": [
                "type": "default", "limit": 20, "columns": [["dimension": "double", "direction": "descending"]],
            ],
        ],
        ["subtotalsSpec": [["k0", "k1"], ["k1"], []]],
        [
            "subtotalsSpec": [["k1", "k2"], ["k0"]],
            "limitSpec": ["type": "default", "limit": 40, "columns": ["count"]],
        ],
        [
            "context": ["resultAsArray": true],
            "having": ["type": "filter", "filter": ["type": "selector", "dimension": "k0", "value": "b"]],
        ],
    ]

    @Test func answersAgreeWithThoseFromMemory() throws {
        let seed = randomTestSeed()
        var data = RandomData(generator: SeededGenerator(seed: seed &+ 77))
        let views = data.segments(3, rows: 4000).map { $0.segment(sortsDictionaries: true, hasBitmaps: false) }
        for (number, kind) in Self.kinds.enumerated() {
            var object = kind
            object["queryType"] = "groupBy"
            object["dataSource"] = "random"
            object["intervals"] = "2023-01-01/2024-01-01"
            if object["granularity"] == nil { object["granularity"] = "all" }
            object["dimensions"] = [
                ["type": "default", "dimension": "tags", "outputName": "k0"],
                ["type": "default", "dimension": number % 2 == 0 ? "word" : "digits", "outputName": "k1"],
                [
                    "type": "default", "dimension": "big", "outputName": "k2",
                    "outputType": number % 3 == 0 ? "LONG" : "STRING",
                ],
                ["type": "default", "dimension": "price", "outputName": "k3", "outputType": "DOUBLE"],
            ]
            var aggregations = Self.aggregations.arrayValue ?? []
            // Sketches only where few rows have them: they are slow to copy.
            if number < 2 {
                aggregations.append(["type": "cardinality", "name": "words", "fields": ["word"], "byRow": false])
            }
            object["aggregations"] = .array(aggregations)
            object["postAggregations"] = [["type": "expression", "name": "double", "expression": "rows * 2"]]
            let query = try Query(json: .object(object))
            let inputs = views.enumerated().map { SegmentInput(view: $1, id: "s\($0)", intervals: query.intervals) }
            let expected = try JSONParser.parse(answer(query, over: inputs, QueryRun()).jsonText())
            let spill = MemorySpill()
            let memory = MemoryBudget(limitBytes: 256 << 10)
            let run = QueryRun(memory: memory, spill: spill)
            let result = try collected(query, inputs, run)
            let same = agree(try JSONParser.parse(result.jsonText()), expected)
            #expect(same, "LAMINA_SEED=\(seed) kind \(number)")
            // A result may be read again.
            #expect(
                agree(try JSONParser.parse(result.jsonText()), expected),
                "LAMINA_SEED=\(seed) kind \(number) again"
            )
            if views.contains(where: { $0.rowCount > 3000 }) { #expect(spill.byteCount > 50_000) }
        }
    }

    /// As the broker runs it: every partial is handed over as it is made.
    private func collected(_ query: Query, _ inputs: [SegmentInput], _ run: QueryRun) throws -> QueryResult {
        let bound = try makeOperator(query)
        let collector = PartialCollector(bound, count: inputs.count, run)
        for (place, input) in inputs.enumerated() { try collector.add(try bound.runErased(input, run), at: place) }
        return try bound.finalizeErased(try collector.merged(), run)
    }

    @Test func aFullSpillSpaceIsALimitOfResources() throws {
        var data = RandomData(generator: SeededGenerator(seed: 5))
        var views: [InlineSegment] = []
        while views.reduce(0, { $0 + $1.rowCount }) < 8000 {
            views += data.segments(1, rows: 4000).map { $0.segment(sortsDictionaries: true, hasBitmaps: false) }
        }
        let query = try Query(
            json: [
                "queryType": "groupBy", "dataSource": "random", "intervals": "2023-01-01/2024-01-01",
                "granularity": "none",
                "dimensions": ["word", "tags", "big", "price"], "aggregations": [["type": "count", "name": "rows"]],
            ]
        )
        let inputs = views.enumerated().map { SegmentInput(view: $1, id: "s\($0)", intervals: query.intervals) }
        for spill in [nil, MemorySpill(bytesMax: 100_000)] {
            let run = QueryRun(memory: MemoryBudget(limitBytes: 300 << 10), spill: spill)
            let error = #expect(throws: LaminaError.self) { try collected(query, inputs, run) }
            #expect(error?.code == "resourceLimitExceeded")
        }
    }
}
