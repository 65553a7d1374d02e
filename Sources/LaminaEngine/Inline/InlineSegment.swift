package import LaminaBase
import LaminaBitmaps
package import LaminaSegment

/// Rows held in memory as a segment: results that are queried again, inline data, tests.
package final class InlineSegment: SegmentView {
    package let rowCount: Int
    package let dataInterval: Interval
    package let timeBounds: (min: Int64, max: Int64)?
    package let ordering: [OrderedColumn]
    package let dimensions: [String]
    package let metrics: [String]
    package let metadata: JSON? = nil
    package let sizeBytes: Int64 = 0
    private let columns: [String: Column]

    /// One named column with a value for every row; arrays in a column of strings are rows of several values.
    package struct Input: Sendable {
        package var name: String
        package var type: ColumnType
        package var values: [Value]

        package init(_ name: String, _ type: ColumnType, _ values: [Value]) {
            self.name = name
            self.type = type
            self.values = values
        }
    }

    /// - Parameters:
    ///   - times: of every row.
    ///   - isTimeOrdered: whether they ascend.
    ///   - sortsDictionaries: string ids in order of value instead of order of arrival.
    ///   - hasBitmaps: string columns answer `rows(_:)`.
    package init(
        times: [Int64],
        _ inputs: [Input],
        metrics: [String] = [],
        isTimeOrdered: Bool = false,
        sortsDictionaries: Bool = true,
        hasBitmaps: Bool = false
    ) {
        rowCount = times.count
        var bounds: (min: Int64, max: Int64)?
        for time in times { bounds = bounds.map { (min($0.min, time), max($0.max, time)) } ?? (time, time) }
        timeBounds = bounds
        dataInterval = bounds.map { Interval(start: $0.min, end: max($0.max &+ 1, $0.max)) } ?? .eternity
        ordering = isTimeOrdered ? [OrderedColumn("__time")] : [OrderedColumn("", ascending: false)]
        dimensions = inputs.map(\.name).filter { !metrics.contains($0) }
        self.metrics = metrics
        var columns: [String: Column] = ["__time": .long(InlineNumbers(times, nulls: nil))]
        for input in inputs {
            precondition(input.values.count == times.count, "a column has another number of rows than its segment")
            columns[input.name] = makeColumn(input, sorts: sortsDictionaries, bitmaps: hasBitmaps)
        }
        self.columns = columns
    }

    package func column(_ name: String) throws(LaminaError) -> Column? { columns[name] }
}

func makeColumn(_ input: InlineSegment.Input, sorts: Bool, bitmaps: Bool) -> Column {
    switch input.type {
    case .long:
        let (values, nulls) = numbers(input.values) { number($0) as Int64? }
        return .long(InlineNumbers(values, nulls: nulls))
    case .double:
        let (values, nulls) = numbers(input.values) { number($0) as Double? }
        return .double(InlineNumbers(values, nulls: nulls))
    case .float:
        let (values, nulls) = numbers(input.values) { number($0) as Float? }
        return .float(InlineNumbers(values, nulls: nulls))
    case .string: return .string(InlineStrings(input.values, sorts: sorts, hasBitmaps: bitmaps))
    case .array, .complex: return .object(InlineObjects(input.values, type: input.type))
    }
}

private func numbers<Number: VectorNumber>(
    _ values: [Value],
    _ read: (Value) -> Number?
) -> (values: [Number], nulls: RoaringBitmap?) {
    var nulls = RoaringBitmap()
    var numbers: [Number] = []
    numbers.reserveCapacity(values.count)
    for (row, value) in values.enumerated() {
        if let number = read(value) {
            numbers.append(number)
        } else {
            numbers.append(Number.zero)
            nulls.append(UInt32(row))
        }
    }
    return (numbers, nulls.isEmpty ? nil : nulls)
}
