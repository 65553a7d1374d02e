/// Strings one after the other in one run of memory: dictionaries while they are sorted, merged and written.
package final class StringTable {
    private let sink = ByteSink(capacity: 1 << 16)
    /// Ends of the strings within the run.
    private(set) var ends: [Int] = []

    package init() {}

    package var count: Int { ends.count }

    @inline(__always)
    package func append(_ bytes: UnsafeBufferPointer<UInt8>) {
        sink.append(UnsafeRawBufferPointer(bytes))
        ends.append(sink.count)
    }

    func append(_ text: String) {
        var text = text
        text.withUTF8 { append($0) }
    }

    /// A string's bytes, valid while the table lives and nothing is appended.
    @inline(__always)
    func value(_ index: Int) -> UnsafeRawBufferPointer {
        let start = index == 0 ? 0 : ends[index &- 1]
        return UnsafeRawBufferPointer(start: sink.base + start, count: ends[index] &- start)
    }
}

/// A string column that can hand over its whole dictionary at once; optional, `withUTF8` is asked value by value otherwise.
package protocol BulkDictionary {
    /// Appends the values of ids 0, 1, … to `table`; null as an empty string.
    func appendDictionary(to table: StringTable)
}

extension StringTable {
    /// The dictionary of a column by id; null as an empty string.
    convenience init(dictionaryOf column: any StringColumn) {
        self.init()
        if let bulk = column as? any BulkDictionary {
            bulk.appendDictionary(to: self)
            precondition(count == column.cardinality, "a dictionary handed over in part")
            return
        }
        let empty = UnsafeBufferPointer<UInt8>(start: nil, count: 0)
        for id in 0..<UInt32(column.cardinality) {
            column.withUTF8(id) { append($0 ?? empty) }
        }
    }
}
