package import LaminaBase
package import LaminaEngine

/// Rows as a test writes them: values by column name, `__time` in milliseconds; absent is null, arrays are several values.
package struct MemoryRows: Sendable {
    package var types: [(name: String, type: ColumnType)]
    package var rows: [[String: Value]]
    /// First and last time of the segment that the rows were taken from; nil: of the rows themselves.
    var extent: ClosedRange<Int64>?
    /// The interval of the segment, outside of which no query asks it; nil: any query does.
    package var interval: Interval?
    /// Rows of a query or of none, not of a stored table.
    var isRowBased = false

    package init(types: [(name: String, type: ColumnType)], rows: [[String: Value]]) {
        self.types = types
        self.rows = rows
    }

    package func time(_ row: Int) -> Int64 {
        if case .long(let time)? = rows[row]["__time"] { time } else { 0 }
    }

    /// First and last time of what a segment covers.
    var times: ClosedRange<Int64>? {
        if let extent { return extent }
        let all = rows.indices.map(time)
        guard let low = all.min(), let high = all.max() else { return nil }
        return low...high
    }

    /// Other rows taken from these.
    func taking(_ types: [(name: String, type: ColumnType)], _ rows: [[String: Value]]) -> MemoryRows {
        var taken = MemoryRows(types: types, rows: rows)
        taken.extent = times
        taken.isRowBased = isRowBased
        taken.interval = interval
        return taken
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
