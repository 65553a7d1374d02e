import LaminaBase
import LaminaBitmaps
import LaminaQuery
import LaminaSegment

/// Bytes a time takes as text: POSIX seconds.
private let timeSize: Int64 = 10
/// Bytes any number takes: 64 bits, or a float with six decimals as text.
private let numberSize: Int64 = 8

/// What is to be said of a column. Source: `SegmentAnalyzer`.
func analyzeColumn(
    _ name: String,
    _ column: Column,
    _ analyses: Set<SegmentMetadataQuery.Analysis>,
    _ run: QueryRun
) throws(LaminaError) -> ColumnAnalysis {
    var analysis = ColumnAnalysis(type: column.type)
    let wantsSize = analyses.contains(.size)
    switch column {
    case .long(let column):
        analysis.hasNulls = !(column.nullRows?.isEmpty ?? true)
        if wantsSize { analysis.size = Int64(column.rowCount) * (name == "__time" ? timeSize : numberSize) }
    case .float(let column):
        analysis.hasNulls = !(column.nullRows?.isEmpty ?? true)
        if wantsSize { analysis.size = Int64(column.rowCount) * numberSize }
    case .double(let column):
        analysis.hasNulls = !(column.nullRows?.isEmpty ?? true)
        if wantsSize { analysis.size = Int64(column.rowCount) * numberSize }
    case .string(let column):
        try analyzeStrings(column, analyses, run, into: &analysis)
    case .object(let column):
        // Of sketches and the like Druid says that they may be null, whatever they hold.
        if case .complex(let name) = column.type, name != "json" {
            analysis.hasNulls = true
        } else {
            analysis.hasNulls = column.hasNulls
            // Strings among values of other types have no dictionary of their own.
            if column.type == .string { analysis.cardinality = 0 }
        }
    }
    return analysis
}

private func analyzeStrings(
    _ column: any StringColumn,
    _ analyses: Set<SegmentMetadataQuery.Analysis>,
    _ run: QueryRun,
    into analysis: inout ColumnAnalysis
) throws(LaminaError) {
    analysis.hasMultipleValues = column.hasMultipleValues
    if let null = column.nullID { analysis.hasNulls = column.hasBitmaps ? try !column.rows(null).isEmpty : true }
    analysis.cardinality = analyses.contains(.cardinality) ? Int64(column.cardinality) : 0
    if analyses.contains(.minmax), column.cardinality > 0 {
        if column.isSorted {
            analysis.minValue = column.value(0)
            analysis.maxValue = column.value(UInt32(column.cardinality - 1))
        } else {
            let values = (0..<UInt32(column.cardinality)).map { column.value($0) }
            analysis.minValue = values.contains(nil) ? nil : values.compactMap { $0 }.min { javaCompare($0, $1) < 0 }
            analysis.maxValue = values.compactMap { $0 }.max { javaCompare($0, $1) < 0 }
        }
    }
    guard analyses.contains(.size) else { return }
    if column.hasBitmaps {
        for id in 0..<UInt32(column.cardinality) where id != column.nullID {
            if id % 1024 == 0 { try run.poll() }
            let bytes = column.withUTF8(id) { $0?.count ?? 0 }
            analysis.size += Int64(bytes) * Int64(try column.rows(id).cardinality)
        }
    } else if column.hasMultipleValues {
        analysis = .failed("multi_value")
    } else {
        analysis.size = try sizeByRows(column, run)
    }
}

/// The bytes of all rows' values, for a column without bitmaps.
private func sizeByRows(_ column: any StringColumn, _ run: QueryRun) throws(LaminaError) -> Int64 {
    var lengths: [Int64] = []
    for id in 0..<UInt32(column.cardinality) { lengths.append(Int64(column.withUTF8(id) { $0?.count ?? 0 })) }
    let reader = column.makeIDReader()
    var size: Int64 = 0
    var row = 0
    while row < column.rowCount {
        try run.poll()
        let end = min(row + batchRowsMax, column.rowCount)
        for id in try reader.read(row..<end) { size += lengths[Int(id)] }
        row = end
    }
    return size
}
