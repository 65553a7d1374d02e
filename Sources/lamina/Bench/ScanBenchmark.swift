import LaminaBase
import LaminaBroker
import LaminaEngine
import LaminaMetadata
import LaminaQuery
import LaminaSegment
import LaminaTasks

/// Six questions put to the segments of one datasource straight through the broker, without a server or a result cache.
///
/// Rows per second per core are rows by CPU-seconds of the whole process, so more threads cannot flatter them. "Cold" is the
/// first time on freshly opened segments: every block is decoded (its bytes are in the page cache already); "warm" the median
/// of seven after two, over the cache of decoded blocks.
struct ScanBenchmark {
    let dataSource: String
    let threads: Int
    private let directory: DataDirectory
    private let timeline: SegmentTimeline

    /// One figure of the report.
    struct Figure {
        var name: String
        var rows: Int
        var bytes: Int
        var coldSeconds: Double
        var warmSeconds: Double
        var warmCPUSeconds: Double
        var checksum: String

        var rowsPerCoreSecond: Double { Double(rows) / warmCPUSeconds }
        var bytesPerSecond: Double { Double(bytes) / warmSeconds }
    }

    init(data: String, dataSource: String, threads: Int) throws(LaminaError) {
        directory = try DataDirectory(data, creating: false)
        let store = try MetadataStore(path: directory.metadata, readOnly: true)
        let segments = try SegmentService(store: store, clock: { 0 }, onChange: { _, _, _ in })
        guard let timeline = segments.timeline(dataSource) else {
            let known = segments.dataSources
            throw .invalidInput(
                known.isEmpty
                    ? "There is no datasource in \(directory.root)"
                    : "There is no datasource \(dataSource) in \(directory.root); there are \(known.joined(separator: ", "))"
            )
        }
        self.dataSource = dataSource
        self.threads = threads
        self.timeline = timeline
    }

    private func openSegments() throws(LaminaError) -> [Segment] {
        var opened: [Segment] = []
        for segment in timeline.lookup(.eternity).flatMap(\.segments) where !segment.isTombstone {
            guard let path = directory.path(of: segment) else { continue }
            opened.append(try Segment.open(path: path))
        }
        return opened
    }

    /// What one row of a column takes in the cache of decoded blocks.
    private func width(_ name: String, in segments: [Segment]) throws(LaminaError) -> Int {
        for segment in segments {
            switch try segment.column(name) {
            case .long, .double: return 8
            case .float: return 4
            case .string(let column): return column.cardinality <= 1 << 8 ? 1 : column.cardinality <= 1 << 16 ? 2 : 4
            default: continue
            }
        }
        throw .invalidInput("\(dataSource) has no numeric or string column \(name)")
    }

    /// Runs all questions.
    /// - Parameters:
    ///   - metric: a numeric column.
    ///   - dimension: a string column to group by.
    ///   - filter: a native filter as JSON.
    func run(metric: String?, dimension: String?, filter: JSON?) throws(LaminaError) -> [Figure] {
        let segments = try openSegments()
        let rows = segments.reduce(0) { $0 + $1.rowCount }
        var figures: [Figure] = []
        func ask(_ name: String, _ parts: JSONObject, columns: [String]) throws(LaminaError) {
            var bytes = 0
            for column in columns { bytes += try width(column, in: segments) * rows }
            figures.append(try measure(name, try query(parts), rows: rows, bytes: bytes))
        }
        let count: JSON = ["type": "count", "name": "rows"]
        var sum: JSON?
        if let metric {
            var isLong = false
            for segment in segments { if case .long = try segment.column(metric) { isLong = true } }
            sum = ["type": .string(isLong ? "longSum" : "doubleSum"), "name": "sum", "fieldName": .string(metric)]
        }
        var filtered: [String] = []
        if let filter { filtered = try filterColumns(filter) }
        try ask("count", ["queryType": "timeseries", "aggregations": [count]], columns: [])
        if let sum, let metric {
            try ask("sum(\(metric))", ["queryType": "timeseries", "aggregations": [sum]], columns: [metric])
        }
        if let filter {
            try ask(
                "filtered count",
                ["queryType": "timeseries", "aggregations": [count], "filter": filter],
                columns: filtered
            )
            if let sum, let metric {
                let columns = Array(Set(filtered + [metric]))
                try ask(
                    "filtered sum",
                    ["queryType": "timeseries", "aggregations": [sum], "filter": filter],
                    columns: columns
                )
            }
        }
        if let dimension, let sum, let metric {
            try ask(
                "groupBy(\(dimension))",
                ["queryType": "groupBy", "dimensions": [.string(dimension)], "aggregations": [sum]],
                columns: [dimension, metric]
            )
            try ask(
                "topN(\(dimension), 100)",
                [
                    "queryType": "topN", "dimension": .string(dimension), "metric": "sum", "threshold": 100,
                    "aggregations": [sum],
                ],
                columns: [dimension, metric]
            )
        }
        return figures
    }

    private func filterColumns(_ json: JSON) throws(LaminaError) -> [String] {
        let probe = try query(["queryType": "timeseries", "aggregations": [], "filter": json])
        return probe.filter.map { $0.requiredColumns.sorted() } ?? []
    }

    private func query(_ parts: JSONObject) throws(LaminaError) -> Query {
        var object = parts
        object["dataSource"] = .string(dataSource)
        object["intervals"] = .string(Interval.eternity.text)
        object["granularity"] = "all"
        return try Query(json: .object(object))
    }

    private func measure(_ name: String, _ query: Query, rows: Int, bytes: Int) throws(LaminaError) -> Figure {
        var options = Broker.Options()
        options.threads = threads
        options.defaultTimeoutMillis = 0
        options.cacheBytes = 0
        let directory = directory
        let broker = try Broker(options: options) { directory.path(of: $0) }
        broker.update(dataSource: dataSource, timeline: timeline)
        var checksum = ""
        func once() throws(LaminaError) -> (wall: Double, cpu: Double) {
            let (cpu, wall) = (processCPUSeconds(), monotonicSeconds())
            checksum = try broker.run(query).jsonText()
            return (monotonicSeconds() - wall, processCPUSeconds() - cpu)
        }
        let cold = try once()
        for _ in 0..<2 { _ = try once() }
        // Short questions are asked often enough for the clock of CPU time to tell them apart.
        let repeats = max(1, Int(0.05 / max(try once().wall, 1e-6)))
        var runs: [(wall: Double, cpu: Double)] = []
        for _ in 0..<7 {
            var total = (wall: 0.0, cpu: 0.0)
            for _ in 0..<repeats {
                let run = try once()
                total.wall += run.wall
                total.cpu += run.cpu
            }
            runs.append((total.wall / Double(repeats), total.cpu / Double(repeats)))
        }
        return Figure(
            name: name,
            rows: rows,
            bytes: bytes,
            coldSeconds: cold.wall,
            warmSeconds: runs.map(\.wall).sorted()[3],
            warmCPUSeconds: runs.map(\.cpu).sorted()[3],
            checksum: checksumText(checksum)
        )
    }

    /// FNV-1a of the answer: equal answers, equal text; an optimisation that changes an answer shows.
    private func checksumText(_ text: String) -> String {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return String(hash, radix: 16)
    }

    /// The index spec of the first segment as far as the file tells it.
    func storedFormat() throws(LaminaError) -> String {
        guard let segment = try openSegments().first else { return "no segments" }
        return "bitmap \(segment.bitmap), \(segment.sizeBytes) bytes for \(segment.rowCount) rows"
    }
}
