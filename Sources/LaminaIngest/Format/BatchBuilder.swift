import LaminaBase

/// The columns of one batch while its rows are parsed.
final class BatchBuilder {
    let chunk: RecordChunk
    private let wanted: Set<String>?
    private(set) var fields: [FieldColumn] = []
    /// Place in `fields`; -1 for a field nobody wants.
    private var places: [String: Int] = [:]
    /// Text that is not in the chunk as it stands.
    private var extra: [UInt8] = []
    /// Records that did not parse; lines count from 1 in the entity.
    private(set) var bad: [(row: Int, line: Int, start: Int, length: Int)] = []
    var rowCount = 0
    /// Set when the batch would take more memory than any input should.
    private(set) var failure: LaminaError?

    /// Bytes of kinds and payloads one batch may take, and above which chunks get smaller.
    static let memoryMax = 1 << 30
    private static let memoryGood = 32 << 20
    private static let bytesPerCell = 9

    private let memoryMax: Int

    init(_ chunk: RecordChunk, wanted: Set<String>?, memoryMax: Int = BatchBuilder.memoryMax) {
        self.chunk = chunk
        self.wanted = wanted
        self.memoryMax = memoryMax
    }

    /// The column of a field, made when it is first met; nil when nobody wants it.
    func column(_ name: String) -> FieldColumn? {
        if let place = places[name] { return place < 0 ? nil : fields[place] }
        if let wanted, !wanted.contains(name) {
            places[name] = -1
            return nil
        }
        if failure == nil, (fields.count + 1) * chunk.rowsMax * Self.bytesPerCell > memoryMax {
            failure = .resourceLimit(
                "\(chunk.length) bytes of \(chunk.uri ?? "the input") hold \(chunk.rowsMax) rows with more than "
                    + "\(fields.count) different fields"
            )
        }
        if failure != nil { return nil }
        let column = FieldColumn(name: name, capacity: chunk.rowsMax)
        places[name] = fields.count
        fields.append(column)
        return column
    }

    /// Keeps text that is not in the chunk as it stands; answers the payload that means it.
    func addText(_ bytes: some Collection<UInt8>) -> UInt64 {
        let start = chunk.length + extra.count
        extra.append(contentsOf: bytes)
        let length = chunk.length + extra.count - start
        return UInt64(UInt32(truncatingIfNeeded: start)) | UInt64(UInt32(truncatingIfNeeded: length)) &<< 32
    }

    func setText(_ column: FieldColumn, row: Int, kind: UInt8, _ bytes: some Collection<UInt8>) {
        column.set(row, kind: kind, payload: addText(bytes))
    }

    func set(_ column: FieldColumn, row: Int, _ value: JSON) {
        switch value {
        case .null: column.set(row, kind: FieldKind.null, payload: 0)
        case .bool(let truth): column.set(row, kind: FieldKind.bool, payload: truth ? 1 : 0)
        case .int(let number): column.set(row, kind: FieldKind.long, payload: UInt64(bitPattern: number))
        case .double(let number): column.set(row, kind: FieldKind.double, payload: number.bitPattern)
        case .string(let text): setText(column, row: row, kind: FieldKind.string, text.utf8)
        case .array, .object:
            var writer = JSONWriter()
            writer.value(value)
            setText(column, row: row, kind: FieldKind.json, writer.bytes)
        }
    }

    /// How large the next chunks should be at most, for rows as wide as these.
    var goodChunkSize: Int {
        let memory = fields.count * chunk.rowsMax * Self.bytesPerCell
        if memory <= Self.memoryGood { return ChunkReader.chunkMax }
        return max(16 << 10, Int(Double(chunk.length) * Double(Self.memoryGood) / Double(memory)))
    }

    /// Remembers a record that did not parse; `line` counts from 0 in the chunk.
    func addBad(beforeRow row: Int, line: Int, start: Int, length: Int) {
        bad.append((row, chunk.firstLine + line, start, length))
    }

    /// Takes rows back that belong to a record which turned out bad.
    func dropRows(from row: Int) {
        for field in fields {
            for place in row..<rowCount { field.set(place, kind: FieldKind.missing, payload: 0) }
        }
        rowCount = row
    }

    /// Hands out the rows of records of a stream.
    func finish(_ batch: Int, records: [UInt32], unit: RecordUnit?, bad: [BadRecord], inputBytes: Int64) -> RowBatch {
        RowBatch(
            sequence: batch,
            rowCount: rowCount,
            fields: fields,
            owning: chunk.release(appending: extra),
            badRecords: bad,
            inputBytes: inputBytes,
            path: nil,
            firstRecord: 0,
            records: records,
            unit: unit
        )
    }

    /// Hands the batch out; `firstRecord` is the number of its first row in the entity. Druid numbers a record that fails like
    /// the next good one.
    func finish(firstRecord: Int) -> RowBatch {
        let records = bad.map { record in
            let text = chunk.text(start: record.start, length: record.length)
            var position = chunk.uri.map { "Path: \($0), " } ?? ""
            position += "Record: \(firstRecord + record.row), Line: \(record.line)"
            return BadRecord(
                beforeRow: record.row,
                input: text,
                message: "Unable to parse row [\(text)] (\(position))",
                line: record.line
            )
        }
        return RowBatch(
            sequence: chunk.sequence,
            rowCount: rowCount,
            fields: fields,
            owning: chunk.release(appending: extra),
            badRecords: records,
            inputBytes: Int64(chunk.inputBytes),
            path: chunk.uri,
            firstRecord: firstRecord
        )
    }
}
