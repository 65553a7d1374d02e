package import LaminaBase
import LaminaBitmaps

extension Column {
    /// The values of a range of rows, one by one: the general path of dumps, checks and tests, not of kernels.
    ///
    /// Rows of a multi-value string column are null without values, a string with one, else an array.
    package func values(_ rows: Range<Int>) throws(LaminaError) -> [Value] {
        guard !rows.isEmpty else { return [] }
        switch self {
        case .long(let column):
            let reader = column.makeReader()
            return try withExtendedLifetime(reader) { () throws(LaminaError) in
                numbers(try reader.read(rows), rows, column.nullRows) { .long($0) }
            }
        case .float(let column):
            let reader = column.makeReader()
            return try withExtendedLifetime(reader) { () throws(LaminaError) in
                numbers(try reader.read(rows), rows, column.nullRows) { .float($0) }
            }
        case .double(let column):
            let reader = column.makeReader()
            return try withExtendedLifetime(reader) { () throws(LaminaError) in
                numbers(try reader.read(rows), rows, column.nullRows) { .double($0) }
            }
        case .string(let column): return try strings(column, rows)
        case .object(let column):
            var values: [Value] = []
            values.reserveCapacity(rows.count)
            for row in rows { values.append(try column.value(row: row)) }
            return values
        }
    }

    private func strings(_ column: any StringColumn, _ rows: Range<Int>) throws(LaminaError) -> [Value] {
        func text(_ id: UInt32) -> Value { column.value(id).map { .string($0) } ?? .null }
        let reader = column.makeMultiIDReader()
        // The ids lie in the reader's memory.
        defer { withExtendedLifetime(reader) {} }
        let batch = try reader.read(rows)
        var values: [Value] = []
        values.reserveCapacity(rows.count)
        for row in 0..<rows.count {
            let range = Int(batch.offsets[row])..<Int(batch.offsets[row + 1])
            switch range.count {
            case 0: values.append(.null)
            case 1: values.append(text(batch.ids[range.lowerBound]))
            default: values.append(.array(range.map { text(batch.ids[$0]) }))
            }
        }
        return values
    }
}

private func numbers<Element>(
    _ stored: UnsafeBufferPointer<Element>,
    _ rows: Range<Int>,
    _ nullRows: RoaringBitmap?,
    _ make: (Element) -> Value
) -> [Value] {
    var values = stored.map(make)
    guard let nullRows else { return values }
    for row in rows where nullRows.contains(UInt32(row)) { values[row - rows.lowerBound] = .null }
    return values
}
