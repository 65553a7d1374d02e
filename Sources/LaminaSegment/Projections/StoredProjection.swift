import LaminaBase

/// A projection of a segment, its columns in the segment's own files.
///
/// String and `auto` columns that the base table has too have no dictionary of their own.
/// - Source: `SimpleQueryableIndex.getProjectionQueryableIndex`.
final class StoredProjection: ProjectionView {
    let schema: ProjectionSchema
    let rowCount: Int
    private let segment: Segment

    init(_ schema: ProjectionSchema, rowCount: Int, of segment: Segment) {
        self.schema = schema
        self.rowCount = rowCount
        self.segment = segment
    }

    var dataInterval: Interval { segment.dataInterval }
    var ordering: [OrderedColumn] { schema.orderingOfRows }
    var dimensions: [String] { schema.dimensions }
    var metrics: [String] { schema.metrics }
    var metadata: JSON? { nil }

    var sizeBytes: Int64 { Int64(segment.fileSize { $0.hasPrefix(schema.name + "/") }) }

    var timeBounds: (min: Int64, max: Int64)? {
        get throws(LaminaError) {
            guard rowCount > 0, case .long(let times)? = try column("__time") else { return nil }
            return try boundsOfTimes(times, rowCount: rowCount, isOrdered: isTimeOrdered, at: segment.place)
        }
    }

    func column(_ name: String) throws(LaminaError) -> Column? {
        if name == "__time" || name == schema.timeColumn {
            guard let time = schema.timeColumn else {
                return .long(ConstantLongColumn(dataInterval.start, rowCount: rowCount))
            }
            return try segment.column(time, of: schema, rowCount: rowCount)
        }
        guard schema.groupingColumns.contains(name) || schema.metrics.contains(name) else { return nil }
        return try segment.column(name, of: schema, rowCount: rowCount)
    }
}

/// The first and last of the times of some rows.
func boundsOfTimes(
    _ times: any LongColumn,
    rowCount: Int,
    isOrdered: Bool,
    at place: String
) throws(LaminaError) -> (min: Int64, max: Int64) {
    let values = times.makeReader()
    defer { withExtendedLifetime(values) {} }
    if isOrdered {
        let first = try values.read(0..<1)[0]
        let last = try values.read(rowCount - 1..<rowCount)[0]
        if first > last { throw .corrupt("__time descends", at: place) }
        return (first, last)
    }
    var found = (min: Int64.max, max: Int64.min)
    var row = 0
    while row < rowCount {
        let end = row + values.contiguousRows(from: row)
        for value in try values.read(row..<end) { found = (min(found.min, value), max(found.max, value)) }
        row = end
    }
    return found
}
