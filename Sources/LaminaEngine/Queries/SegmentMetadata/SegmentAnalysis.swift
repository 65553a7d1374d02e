package import LaminaBase
import LaminaQuery

/// What segmentMetadata says of one segment, or of several merged. Source: `SegmentAnalysis`.
package struct SegmentAnalysis: Sendable {
    package var id: String
    /// The data interval for ordering, whether or not intervals are asked for.
    package var interval: Interval
    package var partition: Int
    package var intervals: [Interval]?
    package var columns: [(name: String, analysis: ColumnAnalysis)]
    package var size: Int64
    package var rowCount: Int64
    /// Aggregators as the segment's metadata has them, by name; a value of null is a conflict.
    package var aggregators: JSONObject?
    package var timestampSpec: JSON?
    package var queryGranularity: JSON?
    package var rollup: Bool?
    /// Of some rows of a segment; others of the same id hold the rest.
    package var isPart = false

    func write(into writer: inout JSONWriter) {
        writer.beginObject()
        writer.key("id")
        writer.string(id)
        writer.key("intervals")
        if let intervals {
            writer.beginArray()
            for interval in Interval.condensed(intervals) { writer.string(interval.text) }
            writer.endArray()
        } else {
            writer.null()
        }
        writer.key("columns")
        writer.beginObject()
        for column in columns {
            writer.key(column.name)
            column.analysis.write(into: &writer)
        }
        writer.endObject()
        writer.key("size")
        writer.int(size)
        writer.key("numRows")
        writer.int(rowCount)
        writer.key("aggregators")
        writer.value(aggregators.map(JSON.object) ?? .null)
        writer.key("timestampSpec")
        writer.value(timestampSpec ?? .null)
        writer.key("queryGranularity")
        writer.value(queryGranularity ?? .null)
        writer.key("rollup")
        if let rollup { writer.bool(rollup) } else { writer.null() }
        writer.endObject()
    }
}

extension SegmentAnalysis {
    /// Both as one; `self` is the one that ends later, whose order of columns is kept.
    /// Source: `SegmentMetadataQueryQueryToolChest.mergeAnalyses`.
    func merged(
        with older: SegmentAnalysis,
        dataSource: String,
        _ strategy: SegmentMetadataQuery.MergeStrategy
    ) -> SegmentAnalysis {
        var merged = self
        if id != older.id {
            merged.id =
                SegmentID(dataSource: dataSource, interval: interval, version: "merged", partition: partition).text
        }
        if intervals != nil || older.intervals != nil { merged.intervals = (intervals ?? []) + (older.intervals ?? []) }
        for column in older.columns {
            if let index = merged.columns.firstIndex(where: { $0.name == column.name }) {
                merged.columns[index].analysis = merged.columns[index].analysis.folded(with: column.analysis)
            } else {
                merged.columns.append(column)
            }
        }
        merged.size = size + older.size
        merged.rowCount = rowCount + older.rowCount
        merged.aggregators = mergeAggregators(aggregators, older.aggregators, strategy)
        merged.timestampSpec = timestampSpec == older.timestampSpec ? timestampSpec : nil
        merged.queryGranularity = queryGranularity == older.queryGranularity ? queryGranularity : nil
        merged.rollup = rollup == older.rollup ? rollup : nil
        return merged
    }
}

/// Aggregators of two analyses, the later one first.
private func mergeAggregators(
    _ later: JSONObject?,
    _ earlier: JSONObject?,
    _ strategy: SegmentMetadataQuery.MergeStrategy
) -> JSONObject? {
    var merged = JSONObject()
    switch strategy {
    case .strict:
        guard let later, let earlier else { return nil }
        merged = later
        for (name, aggregator) in earlier.entries {
            guard let known = merged[name] else {
                merged[name] = aggregator
                continue
            }
            guard isMergeable(known, aggregator) else { return nil }
        }
    case .lenient:
        for (name, aggregator) in (later?.entries ?? []) + (earlier?.entries ?? []) {
            guard let known = merged[name] else {
                merged[name] = aggregator
                continue
            }
            if !isMergeable(known, aggregator) { merged[name] = .null }
        }
    case .earliest, .latest:
        let order = strategy == .earliest ? [earlier, later] : [later, earlier]
        for (name, aggregator) in order.flatMap({ $0?.entries ?? [] }) where merged[name] == nil {
            merged[name] = aggregator
        }
    }
    return merged.isEmpty ? nil : merged
}

/// Whether two aggregators of one name can be merged: they are of one type, as Druid's `getMergingFactory` asks.
private func isMergeable(_ left: JSON, _ right: JSON) -> Bool {
    guard let type = left["type"]?.stringValue else { return false }
    return type == right["type"]?.stringValue && left["expression"] == right["expression"]
}
