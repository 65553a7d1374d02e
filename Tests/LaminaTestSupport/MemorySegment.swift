package import LaminaBase
package import LaminaEngine

/// Rows as a test writes them: values by column name, `__time` in milliseconds; absent is null, arrays are several values.
package struct MemoryRows: Sendable {
    package var types: [(name: String, type: ColumnType)]
    package var rows: [[String: Value]]

    package init(types: [(name: String, type: ColumnType)], rows: [[String: Value]]) {
        self.types = types
        self.rows = rows
    }

    package func time(_ row: Int) -> Int64 {
        if case .long(let time)? = rows[row]["__time"] { time } else { 0 }
    }

    /// The rows, in their order, as a segment.
    package func segment(
        sortsDictionaries: Bool = true,
        hasBitmaps: Bool = true,
        isTimeOrdered: Bool = true
    ) -> InlineSegment {
        var inputs: [InlineSegment.Input] = []
        for (name, type) in types {
            inputs.append(InlineSegment.Input(name, type, rows.map { $0[name] ?? .null }))
        }
        return InlineSegment(
            times: rows.indices.map(time),
            inputs,
            isTimeOrdered: isTimeOrdered,
            sortsDictionaries: sortsDictionaries,
            hasBitmaps: hasBitmaps
        )
    }
}
