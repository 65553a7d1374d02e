package import LaminaBase
package import LaminaQuery
import LaminaSegment

/// Columns, sizes and settings of segments.
///
/// - Source: `SegmentMetadataQueryRunnerFactory`, `SegmentMetadataQueryQueryToolChest`.
package struct SegmentMetadataOperator: QueryOperator {
    package struct Partial: SegmentPartial {
        var analyses: [SegmentAnalysis]
    }

    /// How far back a query without intervals looks (`druid.query.segmentMetadata.defaultHistory`).
    private static let defaultHistory: Int64 = 7 * 86_400_000

    let query: Query
    let request: SegmentMetadataQuery

    package init(_ query: Query, _ request: SegmentMetadataQuery) throws(LaminaError) {
        self.query = query
        self.request = request
    }

    private func includes(_ column: String) -> Bool {
        switch request.columns {
        case .all: true
        case .none: false
        case .list(let names): names.contains(column)
        }
    }

    package func run(_ input: SegmentInput, _ run: QueryRun) throws(LaminaError) -> Partial {
        let view = input.view
        let id = SegmentID(parsing: input.id)
        let wantsSize = request.analyses.contains(.size)
        var analysis = SegmentAnalysis(
            id: input.id,
            interval: id?.interval ?? view.dataInterval,
            partition: id?.partition ?? 0,
            columns: [],
            size: 0,
            rowCount: Int64(view.rowCount)
        )
        var columnCount: Int64 = 0
        for name in view.columnNames {
            guard wantsSize || includes(name), let column = try view.column(name) else { continue }
            try run.poll()
            columnCount += 1
            let found = try analyzeColumn(name, column, request.analyses, run)
            if found.errorMessage == nil { analysis.size += found.size }
            if includes(name) { analysis.columns.append((name, found)) }
        }
        // One byte of white space a column and row.
        if wantsSize { analysis.size += columnCount * Int64(view.rowCount) }
        if request.analyses.contains(.interval) { analysis.intervals = [view.dataInterval] }
        addSettings(view.metadata, to: &analysis)
        analysis.isPart = input.isRealtime
        return Partial(analyses: [analysis])
    }

    /// What the segment's metadata says of how it was made.
    private func addSettings(_ metadata: JSON?, to analysis: inout SegmentAnalysis) {
        func setting(_ key: String, _ wanted: SegmentMetadataQuery.Analysis) -> JSON? {
            guard request.analyses.contains(wanted), let value = metadata?[key], !value.isNull else { return nil }
            return value
        }
        if let list = setting("aggregators", .aggregators)?.arrayValue {
            var aggregators = JSONObject()
            for aggregator in list {
                if let name = aggregator["name"]?.stringValue { aggregators[name] = aggregator }
            }
            analysis.aggregators = aggregators
        }
        analysis.timestampSpec = setting("timestampSpec", .timestampSpec)
        analysis.queryGranularity = setting("queryGranularity", .queryGranularity)
        analysis.rollup = setting("rollup", .rollup)?.boolValue
    }

    package func merge(_ partials: [Partial], _ run: QueryRun) throws(LaminaError) -> Partial {
        var analyses = whole(partials.flatMap(\.analyses))
        if request.usesDefaultInterval, let end = analyses.map(\.interval.end).max() {
            let recent = Interval(start: end - Self.defaultHistory, end: end)
            analyses.removeAll { !$0.interval.overlaps(recent) }
        }
        guard request.merge, analyses.count > 1 else { return Partial(analyses: analyses) }
        // The segment that ends last comes first, so that its columns lead.
        analyses.sort { ($0.interval.end, $0.partition) > ($1.interval.end, $1.partition) }
        var merged = analyses[0]
        let name = query.dataSource.tables.first ?? ""
        for older in analyses.dropFirst() {
            merged = merged.merged(with: older, dataSource: name, request.aggregatorMergeStrategy)
        }
        return Partial(analyses: [merged])
    }

    /// A segment that still grows comes in parts, one behind the other; the latest one knows its columns best.
    private func whole(_ analyses: [SegmentAnalysis]) -> [SegmentAnalysis] {
        var all: [SegmentAnalysis] = []
        for analysis in analyses {
            guard analysis.isPart, let last = all.last, last.isPart, last.id == analysis.id else {
                all.append(analysis)
                continue
            }
            let name = query.dataSource.tables.first ?? ""
            all[all.count - 1] = analysis.merged(with: last, dataSource: name, request.aggregatorMergeStrategy)
        }
        return all
    }

    package func finalize(_ merged: Partial, _ run: QueryRun) throws(LaminaError) -> QueryResult {
        QueryResult {
            IndexedElements(count: merged.analyses.count) { index, writer in
                merged.analyses[index].write(into: &writer)
            }
        }
    }
}
