package import LaminaBase

/// Writes rows as JSON lines: one object a row, in stored order, every column, nulls written out.
///
/// Times are milliseconds; numbers and texts as they are stored, floats in the shortest form that gives back 32 bits;
/// multi-value rows as arrays; nested values and pairs of time and value as JSON; other complex values as base64.
package struct RowDump {
    /// Rows turned into text at a time.
    private static let batch = 1024

    /// - Parameter sink: takes the text piece by piece; whole lines.
    package static func write(
        _ view: any SegmentView,
        rows: Range<Int>? = nil,
        to sink: ([UInt8]) throws(LaminaError) -> Void
    ) throws(LaminaError) {
        let rows = rows ?? 0..<view.rowCount
        precondition(rows.lowerBound >= 0 && rows.upperBound <= view.rowCount, "rows out of range")
        let names = view.columnNames
        var columns: [Column?] = []
        for name in names { columns.append(try view.column(name)) }
        var first = rows.lowerBound
        while first < rows.upperBound {
            let range = first..<min(first + batch, rows.upperBound)
            var values: [[Value]] = []
            for column in columns {
                values.append(try column?.values(range) ?? Array(repeating: .null, count: range.count))
            }
            var text: [UInt8] = []
            for row in 0..<range.count {
                var writer = JSONWriter()
                writer.beginObject()
                for (index, name) in names.enumerated() {
                    writer.key(name)
                    Self.write(values[index][row], &writer)
                }
                writer.endObject()
                text += writer.bytes
                text.append(UInt8(ascii: "\n"))
            }
            try sink(text)
            first = range.upperBound
        }
    }

    /// One value; see the type for the forms.
    package static func write(_ value: Value, _ writer: inout JSONWriter) {
        if case .complex(let type, let bytes) = value, let kind = SerializedPair.Kind(rawValue: type),
            let pair = SerializedPair(bytes, kind: kind)
        {
            writer.beginObject()
            writer.key("lhs")
            writer.int(pair.time)
            writer.key("rhs")
            writer.value(pair.value)
            writer.endObject()
        } else {
            writer.value(value)
        }
    }
}
