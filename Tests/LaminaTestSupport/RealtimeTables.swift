package import LaminaBase
import LaminaIngest
package import LaminaSegment

/// Tables as realtime segments: rows in memory, or in pieces and memory.
package struct RealtimeTables {
    package enum Layout {
        /// All rows in memory, in their order.
        case memory
        /// In memory, rows of different times in any order; those of one time keep theirs.
        case shuffled
        /// The first rows in one or two pieces, the others in memory.
        case pieces
        /// Merged as for publishing.
        case merged
    }

    /// The inputs of each table, in the order of its segments and rows.
    package private(set) var views: [String: [any SegmentView]] = [:]
    /// By table, those inputs that each segment gives.
    package private(set) var segments: [String: [[any SegmentView]]] = [:]

    package init(_ tables: [String: [MemoryRows]], _ layout: Layout, generator: inout SeededGenerator) throws {
        for name in tables.keys.sorted() {
            for part in tables[name] ?? [] {
                // Mapped files stay readable when their names are gone.
                let folder = try makeTemporaryFolder()
                defer { removeTree(folder) }
                let own = try realtimeViews(part, layout, folder, &generator)
                segments[name, default: []].append(own)
                views[name, default: []] += own
            }
        }
    }
}

/// The rows as one realtime segment gives them in a layout.
package func realtimeViews(
    _ part: MemoryRows,
    _ layout: RealtimeTables.Layout,
    _ folder: String,
    _ generator: inout SeededGenerator
) throws -> [any SegmentView] {
    let feeder = try RowFeeder(IndexTaskSpec(json: realtimeTask(part.types)))
    let times = part.rows.indices.map { part.time($0) }
    let interval = part.interval ?? Interval(start: times.min() ?? 0, end: (times.max() ?? 0) + 1)
    let identity = DataSegment(
        dataSource: "random",
        interval: interval,
        version: "v",
        loadSpec: .null,
        dimensions: [],
        metrics: [],
        shardSpec: .numbered(partition: 0, core: 0),
        size: 0
    )
    let segment = try feeder.open(identity, folder: folder)
    var rows = Array(part.rows.indices)
    if case .shuffled = layout { rows = shuffled(part, &generator) }
    var source = MemoryRows(types: part.types, rows: rows.map { part.rows[$0] })
    // Sorted rows of one time stay in order of arrival.
    source.types.append((arrival, .long))
    for row in source.rows.indices { source.rows[row][arrival] = .long(Int64(row)) }
    let view = source.segment()
    var cuts: [Int] = []
    switch layout {
    case .memory, .shuffled: break
    case .pieces, .merged:
        for _ in 0..<generator.pick([1, 1, 2]) {
            cuts.append(Int.random(in: 0...rows.count, using: &generator))
        }
        if !canCut(source, at: cuts.sorted() + [rows.count]) { cuts = [] }
    }
    var first = 0
    for cut in cuts.sorted() + [rows.count] where cut > first {
        // In several batches, so that some find what others brought.
        let middle = (first + cut) / 2
        for range in [first..<middle, middle..<cut] where !range.isEmpty {
            try feeder.append(view, rows: range.map { UInt32($0) }, to: segment)
        }
        if cut < rows.count { _ = try segment.persist() }
        first = cut
    }
    guard case .merged = layout else { return segment.views().map { HiddenArrival($0) } }
    let merged = "\(folder)/merged"
    guard try segment.merge(into: merged) != nil else { return [] }
    return [HiddenArrival(try Segment.open(path: merged))]
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

private func shuffled(_ part: MemoryRows, _ generator: inout SeededGenerator) -> [Int] {
    let places = part.rows.indices.shuffled(using: &generator)
    var ofTime: [Int64: [Int]] = [:]
    for row in part.rows.indices.reversed() { ofTime[part.time(row), default: []].append(row) }
    return places.compactMap { ofTime[part.time($0)]?.popLast() }
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
