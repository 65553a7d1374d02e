import LaminaBase
import LaminaSegment

/// Finds the schema that stored segments have in common, the newest first: its dimensions and types win.
///
/// - Source: Druid's `CompactionTask.ExistingSegmentAnalyzer`.
struct ExistingSchema {
    private var rollup = true
    private var queryGranularity: Granularity?
    private var order: [String] = []
    private var dimensions: [String: DimensionSchema] = [:]
    private var timePosition = 0
    private var metricLists: [[JSON]] = []
    private var projections: JSON?

    /// - Parameter segments: without tombstones.
    init(_ segments: [DataSegment], _ library: any SegmentLibrary) throws(LaminaError) {
        let newestFirst = segments.enumerated().sorted { left, right in
            let (a, b) = (left.element.interval, right.element.interval)
            return a == b ? left.offset < right.offset : b < a
        }
        for (_, description) in newestFirst {
            let segment = try library.openSegment(description)
            guard let metadata = segment.metadata else {
                throw LaminaError(
                    .runtimeFailure,
                    code: "noMetadata",
                    "Index metadata doesn't exist for segment [\(description.id)]. Try providing explicit rollup,"
                        + " queryGranularity, dimensionsSpec, and metricsSpec."
                )
            }
            try add(metadata)
            try addDimensions(segment)
            try addProjections(segment)
        }
    }

    private mutating func add(_ metadata: JSON) throws(LaminaError) {
        rollup = rollup && metadata["rollup"] == true
        if let json = metadata["queryGranularity"], !json.isNull {
            let granularity = try Granularity(json: json)
            if let known = queryGranularity {
                if granularity.bucket(0).milliseconds < known.bucket(0).milliseconds { queryGranularity = granularity }
            } else {
                queryGranularity = granularity
            }
        }
        if let list = metadata["aggregators"]?.arrayValue, !metricLists.contains(list) { metricLists.append(list) }
    }

    private mutating func addDimensions(_ segment: Segment) throws(LaminaError) {
        var names: [String] = []
        for column in segment.ordering {
            guard column.ascending else { throw .unsupported("compacting segments that are not in ascending order") }
            names.append(column.name)
        }
        for name in names + segment.dimensions {
            if !order.contains(name) { order.append(name) }
            if dimensions[name] == nil, let schema = try Self.schema(name, segment) { dimensions[name] = schema }
        }
    }

    /// The projections of the segment looked at last stand for all.
    private mutating func addProjections(_ segment: Segment) throws(LaminaError) {
        var entries: [JSON] = []
        for projection in try segment.projections {
            let schema = projection.schema
            var columns: [JSON] = []
            for name in schema.groupingColumns {
                if let dimension = dimensions[name] {
                    columns.append(dimension.json)
                    continue
                }
                let kind: DimensionSchema.Kind
                switch try projection.column(name == schema.timeColumn ? "__time" : name)?.type {
                case .long?: kind = .long
                case .float?: kind = .float
                case .double?: kind = .double
                case .string?, nil: kind = .string(.array)
                default: kind = .auto(cast: nil)
                }
                columns.append(DimensionSchema(name: name, kind: kind).json)
            }
            entries.append([
                "type": "aggregate", "name": .string(schema.name), "virtualColumns": .array(schema.virtualColumns),
                "groupingColumns": .array(columns), "aggregators": .array(schema.aggregators),
            ])
        }
        if !entries.isEmpty { projections = .array(entries) }
    }

    /// Texts keep the order of their values whatever mode they came in with; nil for a column the segment does not have.
    private static func schema(_ name: String, _ segment: Segment) throws(LaminaError) -> DimensionSchema? {
        guard let descriptor = try segment.descriptor(name), let column = try segment.column(name) else { return nil }
        if case .nestedCommonFormat(let format) = descriptor.part {
            return DimensionSchema(name: name, kind: .auto(cast: format.enforceLogicalType ? format.logicalType : nil))
        }
        switch column {
        case .long: return DimensionSchema(name: name, kind: .long)
        case .float: return DimensionSchema(name: name, kind: .float)
        case .double: return DimensionSchema(name: name, kind: .double)
        case .string(let strings):
            var hasIndex = strings.hasBitmaps
            if case .null = descriptor.part { hasIndex = true }
            return DimensionSchema(name: name, kind: .string(.array), hasBitmapIndex: hasIndex)
        case .object(let objects): throw .unsupported("compacting a dimension of type \(objects.type) (\(name))")
        }
    }

    /// The whole, as parts of an index task's spec.
    func schema(needsMetrics: Bool) throws(LaminaError) -> CompactTaskSpec.Schema {
        var schema = CompactTaskSpec.Schema()
        schema.rollup = rollup
        schema.queryGranularity = queryGranularity ?? .none
        // Time is listed only where rows are not sorted by it first.
        let listsTime = (order.firstIndex(of: "__time") ?? 0) > 0
        var listed: [JSON] = []
        for name in order {
            if name == "__time" {
                if listsTime { listed.append(DimensionSchema(name: name, kind: .long).json) }
            } else if let dimension = dimensions[name] {
                listed.append(dimension.json)
            }
        }
        var spec: JSONObject = ["dimensions": .array(listed)]
        if listsTime { spec["forceSegmentSortByTime"] = false }
        schema.dimensions = .object(spec)
        if needsMetrics { schema.metrics = .array(try mergedMetrics()) }
        schema.projections = projections
        return schema
    }

    /// Source: Druid's `AggregatorFactory.mergeAggregators`.
    private func mergedMetrics() throws(LaminaError) -> [JSON] {
        var names: [String] = []
        var merged: [String: JSONObject] = [:]
        for list in metricLists {
            for case .object(let metric) in list {
                let name = metric["name"]?.stringValue ?? ""
                guard let known = merged[name] else {
                    names.append(name)
                    merged[name] = metric
                    continue
                }
                guard let both = Self.merge(known, metric) else {
                    throw LaminaError(
                        .runtimeFailure,
                        code: "notMergeable",
                        "Failed to merge existing aggregators when generating metricsSpec; try providing explicit"
                            + " metricsSpec: [\(name)] is \(JSON.object(known).text) and \(JSON.object(metric).text)"
                    )
                }
                merged[name] = both
            }
        }
        return names.compactMap { merged[$0].map { .object($0) } }
    }

    /// Two combining aggregators of one column: sizes of sketches become the larger, all else must agree.
    private static func merge(_ left: JSONObject, _ right: JSONObject) -> JSONObject? {
        var out = left
        for key in Set(left.keys).union(right.keys) {
            let (a, b) = (left[key] ?? .null, right[key] ?? .null)
            if a == b { continue }
            guard case .int(let x) = a, case .int(let y) = b else { return nil }
            out[key] = .int(max(x, y))
        }
        return out
    }
}
