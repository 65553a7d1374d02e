import LaminaBase
import LaminaBitmaps

/// Decodes every byte of a segment and checks what must agree: `lamina segment verify`.
///
/// Dictionaries ascend, every id is in its dictionary, every bitmap has exactly the rows whose ids say so, times lie in the interval
/// and in order, raw nested values decode.
package struct SegmentVerification {
    /// What is wrong, a sentence each; empty when the segment is sound.
    package static func problems(of segment: Segment) -> [String] {
        segment.columnNames.flatMap { problems(of: segment, column: $0) } + projectionProblems(of: segment)
    }

    private static func projectionProblems(of segment: Segment) -> [String] {
        var problems: [String] = []
        do throws(LaminaError) {
            for projection in try segment.projections {
                for name in projection.columnNames {
                    let file = projection.schema.fileName(name)
                    guard let column = try projection.column(name) else { continue }
                    problems += try ColumnVerification(name: name, segment: segment, view: projection).problems(column)
                        .map { "Column '\(file)': \($0)" }
                }
            }
        } catch {
            problems.append(error.message)
        }
        return problems
    }

    package static func problems(of segment: Segment, column name: String) -> [String] {
        do throws(LaminaError) {
            guard let column = try segment.column(name) else { return ["There is no column '\(name)'"] }
            return try ColumnVerification(name: name, segment: segment, view: segment).problems(column).map {
                "Column '\(name)': \($0)"
            }
        } catch {
            return [error.message]
        }
    }
}

struct ColumnVerification {
    let name: String
    let segment: Segment
    /// The segment's rows, or those of one of its projections.
    let view: any SegmentView

    private static let batch = 8192

    func problems(_ column: Column) throws(LaminaError) -> [String] {
        switch column {
        case .long(let column):
            var problems = name == "__time" ? try times(column) : []
            if let stored = column as? StoredLongColumn {
                try decode(stored.payload.store)
                if let index = stored.index { problems += try check(index, longs: column) }
            }
            return problems
        case .float(let column):
            if let stored = column as? StoredFloatColumn { try decode(stored.payload.store) }
            return []
        case .double(let column):
            guard let stored = column as? StoredDoubleColumn else { return [] }
            try decode(stored.payload.store)
            guard let index = stored.index else { return [] }
            return try check(index, doubles: column)
        case .string(let column):
            guard let stored = column as? StoredStringColumn else { return [] }
            return try strings(stored)
        case .object(let column as VariantColumn): return try variant(column)
        case .object(let column as NestedColumn): return try nested(column)
        case .object(let column):
            for row in 0..<column.rowCount { _ = try column.value(row: row) }
            return []
        }
    }

    /// Decodes every block.
    private func decode(_ store: BlockStore) throws(LaminaError) {
        for index in 0..<store.blockCount { _ = try store.block(index) }
    }

    /// Calls `body` with the rows of one batch after another.
    private func batches(_ body: (Range<Int>) throws(LaminaError) -> Void) throws(LaminaError) {
        var first = 0
        while first < view.rowCount {
            let range = first..<min(first + Self.batch, view.rowCount)
            try body(range)
            first = range.upperBound
        }
    }

    private func times(_ column: any LongColumn) throws(LaminaError) -> [String] {
        let reader = column.makeReader()
        defer { withExtendedLifetime(reader) {} }
        var last = Int64.min
        var disorder = 0
        var outside = 0
        try batches { rows throws(LaminaError) in
            for time in try reader.read(rows) {
                if time < last { disorder += 1 }
                if view === segment, !segment.dataInterval.contains(time) { outside += 1 }
                last = time
            }
        }
        var problems: [String] = []
        if disorder > 0, view.isTimeOrdered { problems.append("\(disorder) rows are earlier than the row before") }
        if outside > 0 { problems.append("\(outside) rows lie outside the interval of index.drd") }
        return problems
    }

    /// Row bitmaps built from ids; `add` is called with every row and id.
    private struct Rebuilt {
        var rows: [RoaringBitmap]
        private var last: [Int]

        init(count: Int) {
            rows = Array(repeating: RoaringBitmap(), count: count)
            last = Array(repeating: -1, count: count)
        }

        mutating func add(_ row: Int, _ id: Int) {
            guard last[id] != row else { return }
            last[id] = row
            rows[id].append(UInt32(row))
        }
    }

    private func compare(_ rebuilt: Rebuilt, _ bitmaps: BitmapList, _ what: String) throws(LaminaError) -> [String] {
        var wrong: [Int] = []
        for id in 0..<rebuilt.rows.count where try bitmaps.rows(id) != rebuilt.rows[id] { wrong.append(id) }
        return wrong.isEmpty
            ? [] : ["\(wrong.count) \(what) bitmaps differ from the ids, the first that of id \(wrong[0])"]
    }

    private func compare(_ ids: IDPayload, _ bitmaps: BitmapList) throws(LaminaError) -> [String] {
        var rebuilt = Rebuilt(count: bitmaps.count)
        let reader = StoredStringColumn.wide(StoredStringColumn.access(ids.store))
        defer { withExtendedLifetime(reader) {} }
        try batches { rows throws(LaminaError) in
            let found = try reader.read(rows)
            for row in rows { rebuilt.add(row, Int(found[row - rows.lowerBound])) }
        }
        return try compare(rebuilt, bitmaps, "value")
    }

    private func check(_ dictionary: StringDictionary) -> [String] {
        for id in 1..<max(1, dictionary.count) where !(dictionary.hasNull && id == 1) {
            let ascends = dictionary.withUTF8(id - 1) { before in
                dictionary.withUTF8(id) { value in
                    before.flatMap { before in value.map { compareUTF16Order(before, $0) < 0 } } ?? false
                }
            }
            if !ascends { return ["the dictionary does not ascend at id \(id)"] }
        }
        return []
    }

    private func strings(_ column: StoredStringColumn) throws(LaminaError) -> [String] {
        var problems = check(column.dictionary)
        var rebuilt = Rebuilt(count: column.cardinality)
        let reader = column.makeMultiIDReader()
        defer { withExtendedLifetime(reader) {} }
        try batches { rows throws(LaminaError) in
            let found = try reader.read(rows)
            for row in 0..<rows.count {
                let range = Int(found.offsets[row])..<Int(found.offsets[row + 1])
                for place in range { rebuilt.add(rows.lowerBound + row, Int(found.ids[place])) }
                if range.isEmpty, let null = column.nullID { rebuilt.add(rows.lowerBound + row, Int(null)) }
            }
        }
        if let bitmaps = column.bitmaps { problems += try compare(rebuilt, bitmaps, "value") }
        return problems
    }

    private func check(_ index: NumberIndex, longs column: any LongColumn) throws(LaminaError) -> [String] {
        var problems = try compare(index.ids, index.bitmaps)
        let values = column.makeReader()
        let ids = StoredStringColumn.wide(StoredStringColumn.access(index.ids.store))
        defer { withExtendedLifetime((values, ids)) {} }
        var wrong = 0
        try batches { rows throws(LaminaError) in
            let (numbers, found) = (try values.read(rows), try ids.read(rows))
            for place in 0..<rows.count where !index.dictionary.isNull(Int(found[place])) {
                if index.dictionary.long(Int(found[place])) != numbers[place] { wrong += 1 }
            }
        }
        if wrong > 0 { problems.append("\(wrong) values differ from their dictionary entries") }
        for place in 1..<max(1, index.cardinality) {
            let id = place + index.nullCount
            if index.dictionary.long(id) <= index.dictionary.long(id - 1) {
                problems.append("the dictionary does not ascend at id \(id)")
                break
            }
        }
        return problems
    }

    private func check(_ index: NumberIndex, doubles column: any DoubleColumn) throws(LaminaError) -> [String] {
        var problems = try compare(index.ids, index.bitmaps)
        let values = column.makeReader()
        let ids = StoredStringColumn.wide(StoredStringColumn.access(index.ids.store))
        defer { withExtendedLifetime((values, ids)) {} }
        var wrong = 0
        try batches { rows throws(LaminaError) in
            let (numbers, found) = (try values.read(rows), try ids.read(rows))
            for place in 0..<rows.count where !index.dictionary.isNull(Int(found[place])) {
                if index.dictionary.double(Int(found[place])).bitPattern != numbers[place].bitPattern { wrong += 1 }
            }
        }
        if wrong > 0 { problems.append("\(wrong) values differ from their dictionary entries") }
        return problems
    }

    private func variant(_ column: VariantColumn) throws(LaminaError) -> [String] {
        var problems = check(column.values.strings) + (try compare(column.ids, column.bitmaps))
        var places: [Int: Int] = [:]
        for index in 0..<column.elements.count { places[column.elements.int(index)] = index }
        var rebuilt = Rebuilt(count: column.elements.count)
        var unknown = 0
        for row in 0..<column.rowCount {
            let id = try column.id(row: row)
            guard id >= column.values.scalarCount,
                let elements = try column.values.arrays?.ids(id - column.values.scalarCount)
            else { continue }
            for element in elements {
                if let place = places[element] { rebuilt.add(row, place) } else { unknown += 1 }
            }
        }
        if unknown > 0 { problems.append("\(unknown) array elements are not in the element dictionary") }
        problems += try compare(rebuilt, column.elementBitmaps, "element")
        return problems
    }

    private func nested(_ column: NestedColumn) throws(LaminaError) -> [String] {
        var problems = check(column.values.strings)
        for row in 0..<column.rowCount {
            let isNull = try column.raw.value(row).isEmpty
            if isNull != (column.nullRows?.contains(UInt32(row)) ?? false) {
                problems.append("row \(row)'s raw value and the null index disagree")
                break
            }
            _ = try column.value(row: row)
        }
        for (place, field) in column.fields.enumerated() {
            guard let stored = try column.field(place) else { return problems }
            problems += try check(stored).map { "field \(field.path): \($0)" }
        }
        return problems
    }

    private func check(_ field: NestedFieldColumn) throws(LaminaError) -> [String] {
        if let longs = field.longs { try decode(longs.store) }
        if let doubles = field.doubles { try decode(doubles.store) }
        if let elements = field.elements {
            for index in 0..<elements.bitmaps.count { _ = try elements.bitmaps.rows(index) }
        }
        guard let bitmaps = field.bitmaps else {
            try decode(field.ids.store)
            return []
        }
        return try compare(field.ids, bitmaps)
    }
}
