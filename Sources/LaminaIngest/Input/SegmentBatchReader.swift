import LaminaBase
import LaminaBitmaps
import LaminaSegment

/// Turns some rows of a segment into the fields of a batch.
struct SegmentBatchReader {
    private let segment: any SegmentView
    private let rows: [UInt32]
    private let keepsEmptyLists: Bool
    private(set) var rowCount: Int
    private(set) var fields: [FieldColumn] = []
    private var texts = FieldTexts()

    /// - Parameters:
    ///   - rows: ascending.
    ///   - keepsEmptyLists: whether a row without values is an empty list; else it is null, as Druid's reader gives it.
    init(_ segment: any SegmentView, _ rows: [UInt32], keepsEmptyLists: Bool = false) {
        self.segment = segment
        self.keepsEmptyLists = keepsEmptyLists
        self.rows = rows
        rowCount = rows.count
    }

    /// Reads one column; a segment that lacks it has no such field.
    mutating func add(_ name: String) throws(LaminaError) {
        guard let column = try segment.column(name) else { return }
        let field = FieldColumn(name: name, capacity: rows.count)
        fields.append(field)
        guard !rows.isEmpty else { return }
        switch column {
        case .long(let longs):
            try numbers(longs.makeReader(), longs.nullRows, field, FieldKind.long) { UInt64(bitPattern: $0) }
        case .float(let floats):
            try numbers(floats.makeReader(), floats.nullRows, field, FieldKind.float) { UInt64($0.bitPattern) }
        case .double(let doubles):
            try numbers(doubles.makeReader(), doubles.nullRows, field, FieldKind.double) { $0.bitPattern }
        case .string(let strings):
            if strings.hasMultipleValues { try lists(strings, field) } else { try single(strings, field) }
        case .object(let objects):
            for (place, row) in rows.enumerated() {
                texts.store(try objects.value(row: Int(row)), in: field, place)
            }
        }
    }

    private func numbers<Element>(
        _ reader: any ValueReader<Element>,
        _ nullRows: RoaringBitmap?,
        _ field: FieldColumn,
        _ kind: UInt8,
        _ bits: (Element) -> UInt64
    ) throws(LaminaError) {
        let values = try gathered(reader)
        for place in rows.indices {
            if let nullRows, nullRows.contains(rows[place]) {
                field.set(place, kind: FieldKind.null, payload: 0)
            } else {
                field.set(place, kind: kind, payload: bits(values[place]))
            }
        }
        withExtendedLifetime(reader) {}
    }

    private func gathered<Element>(
        _ reader: any ValueReader<Element>
    ) throws(LaminaError) -> UnsafeBufferPointer<Element> {
        try rows.withUnsafeBufferPointer { rows throws(LaminaError) in try reader.gather(rows) }
    }

    /// The text of each distinct value is put once a batch.
    private mutating func single(_ column: any StringColumn, _ field: FieldColumn) throws(LaminaError) {
        let reader = column.makeIDReader()
        let ids = try gathered(reader)
        var known: [UInt32: UInt64] = [:]
        for place in rows.indices {
            let id = ids[place]
            if let payload = known[id] {
                field.set(place, kind: FieldKind.string, payload: payload)
                continue
            }
            let isNull = column.withUTF8(id) { bytes in
                guard let bytes else { return true }
                texts.put(bytes, in: field, place, FieldKind.string)
                return false
            }
            if isNull {
                field.set(place, kind: FieldKind.null, payload: 0)
            } else {
                known[id] = field.payloads[place]
            }
        }
        withExtendedLifetime(reader) {}
    }

    private mutating func lists(_ column: any StringColumn, _ field: FieldColumn) throws(LaminaError) {
        let reader = column.makeMultiIDReader()
        let batch = try rows.withUnsafeBufferPointer { rows throws(LaminaError) in try reader.gather(rows) }
        func text(_ id: UInt32) -> Value { column.value(id).map { .string($0) } ?? .null }
        for place in rows.indices {
            let ids = batch.ids[Int(batch.offsets[place])..<Int(batch.offsets[place + 1])]
            switch ids.count {
            case 0: texts.store(keepsEmptyLists ? .array([]) : .null, in: field, place)
            case 1: texts.store(text(ids[ids.startIndex]), in: field, place)
            default: texts.store(.array(ids.map(text)), in: field, place)
            }
        }
        withExtendedLifetime(reader) {}
    }

    /// Keeps only rows that pass.
    mutating func keep(_ filter: RowFilter) throws(LaminaError) {
        var kept: [Int] = []
        let bytes = texts.bytes
        var failure: LaminaError?
        bytes.withUnsafeBytes { raw in
            var views: [String: FieldView] = [:]
            for field in fields { views[field.name] = FieldView(field, base: raw.baseAddress) }
            let time = views["__time"]
            do throws(LaminaError) {
                for row in 0..<rowCount where try filter.passes(row: row, time: time?.long(row) ?? 0, fields: views) {
                    kept.append(row)
                }
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        for field in fields {
            for (place, row) in kept.enumerated() {
                field.set(place, kind: field.kinds[row], payload: field.payloads[row])
            }
        }
        rowCount = kept.count
    }

    /// The bytes that payloads point into, owned by the caller from now on.
    mutating func takeBytes() -> UnsafeRawBufferPointer {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: max(texts.bytes.count, 1), alignment: 16)
        memory.copyBytes(from: texts.bytes)
        texts = FieldTexts()
        return UnsafeRawBufferPointer(memory)
    }
}
