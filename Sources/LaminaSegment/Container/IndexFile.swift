import LaminaBase

/// What `index.drd` says: the stored columns in order, the interval, the form of bitmaps.
///
/// Source: `IndexMergerV9.makeIndexBinary`, `IndexIO.V9IndexLoader`.
struct IndexFile: Sendable {
    /// Dimensions in order, all-null ones included, `__time` not.
    let dimensions: [String]
    let metrics: [String]
    let interval: Interval
    let bitmap: IndexSpec.Bitmap

    init(_ bytes: MappedBytes, sibling: (String) -> MappedBytes?) throws(LaminaError) {
        var cursor = ByteCursor(bytes)
        let columns = try Self.names(&cursor, sibling)
        let dimensions = try Self.names(&cursor, sibling)
        let start = try cursor.i64()
        let end = try cursor.i64()
        guard start <= end else { throw cursor.corrupt("the segment's interval ends before it starts") }
        interval = Interval(start: start, end: end)
        if cursor.remaining > 0 {
            let text = try cursor.text()
            do throws(LaminaError) { bitmap = try IndexSpec.Bitmap(json: try JSONParser.parse(text)) } catch {
                throw cursor.corrupt(error.message)
            }
        } else {
            bitmap = .concise
        }
        var allColumns = columns
        var allDimensions = dimensions
        if cursor.remaining > 0 {
            allColumns = try Self.complete(columns, with: try Self.names(&cursor, sibling), bytes)
            allDimensions = try Self.complete(dimensions, with: try Self.names(&cursor, sibling), bytes)
        }
        self.dimensions = try Self.present(allDimensions, bytes)
        let stored = Set(self.dimensions)
        metrics = try Self.present(allColumns, bytes).filter { !stored.contains($0) }
        guard self.dimensions.count + metrics.count == allColumns.count else {
            throw bytes.corrupt("a dimension is not among the columns")
        }
    }

    private static func names(
        _ cursor: inout ByteCursor,
        _ sibling: (String) -> MappedBytes?
    ) throws(LaminaError) -> [String?] {
        let list = try GenericIndexed(&cursor, sibling: sibling)
        return (0..<list.count).map { index in
            list.isNull(index) ? nil : String(decoding: list.element(index), as: UTF8.self)
        }
    }

    /// Null in `full` stands for the next name of `partial`; a name is an all-null column's.
    private static func complete(
        _ partial: [String?],
        with full: [String?],
        _ bytes: MappedBytes
    ) throws(LaminaError) -> [String?] {
        var next = partial.makeIterator()
        var names: [String?] = []
        for entry in full {
            if let entry {
                names.append(entry)
            } else {
                guard let name = next.next() else { throw bytes.corrupt("index.drd's lists of columns disagree") }
                names.append(name)
            }
        }
        guard next.next() == nil else { throw bytes.corrupt("index.drd's lists of columns disagree") }
        return names
    }

    private static func present(_ names: [String?], _ bytes: MappedBytes) throws(LaminaError) -> [String] {
        var seen: Set<String> = ["__time"]
        var present: [String] = []
        for name in names {
            guard let name, !name.isEmpty else { throw bytes.corrupt("index.drd lists a column without a name") }
            guard seen.insert(name).inserted else { throw bytes.corrupt("index.drd lists column '\(name)' twice") }
            present.append(name)
        }
        return present
    }
}
