package import LaminaBase
package import LaminaIngest
package import LaminaSegment

/// How rows lie in a realtime segment.
package enum RealtimeLayout: Sendable {
    /// All in memory, in their order.
    case memory
    /// In memory, rows of different times in any order; those of one time keep theirs.
    case shuffled
    /// The first rows in one or two pieces, the others in memory.
    case pieces
}

/// Tables as realtime segments.
package struct RealtimeTables {
    /// The inputs of each table, in the order of its segments and rows.
    package private(set) var views: [String: [any SegmentView]] = [:]
    /// First and last time of the segments that views are parts of.
    package private(set) var bounds: [ObjectIdentifier: (min: Int64, max: Int64)] = [:]

    /// - Parameter merges: the segments as they are published.
    package init(
        _ tables: [String: [MemoryRows]],
        _ layout: RealtimeLayout,
        merges: Bool = false,
        generator: inout SeededGenerator
    ) throws {
        for name in tables.keys.sorted() {
            for part in tables[name] ?? [] {
                // Mapped files stay readable when their names are gone.
                let folder = try makeTemporaryFolder()
                defer { removeTestFiles(folder) }
                let rows = try RealtimeTable(part, layout, folder, &generator)
                guard !merges else {
                    views[name, default: []].append(try rows.merged(into: "\(folder)/merged"))
                    continue
                }
                let own = rows.views()
                views[name, default: []] += own
                let times = part.rows.indices.map { part.time($0) }
                guard let low = times.min(), let high = times.max() else { continue }
                for view in own { bounds[ObjectIdentifier(view)] = (low, high) }
            }
        }
    }
}

/// The rows of one segment in a layout.
package final class RealtimeTable: RealtimeRows {
    private let segment: RealtimeSegment
    package let interval: Interval

    package init(
        _ part: MemoryRows,
        _ layout: RealtimeLayout,
        _ folder: String,
        _ generator: inout SeededGenerator
    ) throws {
        let times = part.rows.indices.map { part.time($0) }
        interval = part.interval ?? Interval(start: times.min() ?? 0, end: (times.max() ?? 0) + 1)
        let feeder = try RowFeeder(IndexTaskSpec(json: realtimeTask(part.types)), interval: interval)
        segment = try feeder.open(realtimeIdentity("random", interval), folder: folder)
        var rows = Array(part.rows.indices)
        if case .shuffled = layout { rows = shuffledRows(times, &generator) }
        var source = MemoryRows(types: part.types, rows: rows.map { part.rows[$0] })
        // Sorted rows of one time stay in order of arrival.
        source.types.append((arrival, .long))
        for row in source.rows.indices { source.rows[row][arrival] = .long(Int64(row)) }
        var cuts: [Int] = []
        if case .pieces = layout {
            for _ in 0..<generator.pick([1, 1, 2]) { cuts.append(Int.random(in: 0...rows.count, using: &generator)) }
            if !canCut(source, at: cuts.sorted() + [rows.count]) { cuts = [] }
        }
        try feed(source.segment(), rows.count, cuts, feeder, segment)
    }

    package func views() -> [any SegmentView] { segment.views().map { HiddenArrival($0) } }
    package var rowCount: Int { segment.rowCount }

    /// As it is published.
    package func merged(into folder: String) throws -> any SegmentView {
        guard try segment.merge(into: folder) != nil else { throw LaminaError.invalidInput("there are no rows") }
        return HiddenArrival(try Segment.open(path: folder))
    }
}

/// Appends rows of a view in several batches, so that some find what others brought, and persists at the cuts.
package func feed(
    _ view: any SegmentView,
    _ count: Int,
    _ cuts: [Int],
    _ feeder: RowFeeder,
    _ segment: RealtimeSegment
) throws {
    var first = 0
    for cut in cuts.sorted() + [count] where cut > first {
        let middle = (first + cut) / 2
        for range in [first..<middle, middle..<cut] where !range.isEmpty {
            try feeder.append(view, rows: range.map { UInt32($0) }, to: segment)
        }
        if cut < count { _ = try segment.persist() }
        first = cut
    }
}

/// A segment that is not stored yet.
package func realtimeIdentity(_ dataSource: String, _ interval: Interval) -> DataSegment {
    DataSegment(
        dataSource: dataSource,
        interval: interval,
        version: "v",
        loadSpec: .null,
        dimensions: [],
        metrics: [],
        shardSpec: .numbered(partition: 0, core: 0),
        size: 0
    )
}

/// Rows in random order, but for those of one time.
package func shuffledRows(_ times: [Int64], _ generator: inout SeededGenerator) -> [Int] {
    let places = times.indices.shuffled(using: &generator)
    var ofTime: [Int64: [Int]] = [:]
    for row in times.indices.reversed() { ofTime[times[row], default: []].append(row) }
    return places.compactMap { ofTime[times[$0]]?.popLast() }
}

/// Rows without any value are null where no row of the piece has several: cuts must not make them so.
private func canCut(_ rows: MemoryRows, at cuts: [Int]) -> Bool {
    var first = 0
    for cut in cuts {
        let counts = rows.rows[first..<cut].compactMap { row in
            if case .array(let all)? = row["tags"] { all.count } else { nil as Int? }
        }
        if counts.contains(0), !counts.contains(where: { $0 > 1 }) { return false }
        first = cut
    }
    return true
}

/// The column that rows are sorted by within one time.
private let arrival = "arrival"

/// A view without that column.
private final class HiddenArrival: SegmentView {
    private let base: any SegmentView
    init(_ base: any SegmentView) { self.base = base }
    var rowCount: Int { base.rowCount }
    var dataInterval: Interval { base.dataInterval }
    var timeBounds: (min: Int64, max: Int64)? { get throws(LaminaError) { try base.timeBounds } }
    var ordering: [OrderedColumn] { base.ordering }
    var dimensions: [String] { base.dimensions.filter { $0 != arrival } }
    var metrics: [String] { base.metrics }
    var metadata: JSON? { base.metadata }
    var sizeBytes: Int64 { base.sizeBytes }
    func column(_ name: String) throws(LaminaError) -> Column? { name == arrival ? nil : try base.column(name) }
}

/// A task whose rows have columns of these types.
private func realtimeTask(_ types: [(name: String, type: ColumnType)]) -> JSON {
    let dimensions = ([(arrival, .long)] + types).map { name, type -> JSON in
        switch type {
        case .string: ["type": "string", "name": .string(name), "multiValueHandling": "ARRAY"]
        case .long: ["type": "long", "name": .string(name)]
        case .float: ["type": "float", "name": .string(name)]
        case .double: ["type": "double", "name": .string(name)]
        case .array: ["type": "auto", "name": .string(name), "castToType": .string("\(type)")]
        default: ["type": "json", "name": .string(name)]
        }
    }
    return [
        "type": "index_parallel",
        "spec": [
            "dataSchema": [
                "dataSource": "random", "timestampSpec": ["column": "__time", "format": "millis"],
                "dimensionsSpec": ["dimensions": .array(dimensions)],
                "granularitySpec": ["queryGranularity": "NONE", "rollup": false],
            ],
            "ioConfig": [
                "inputSource": ["type": "inline", "data": ""], "inputFormat": ["type": "json"],
            ],
        ],
    ]
}
