import LaminaBase

/// The `kafka` format: the rows of a record's value with columns from its headers, its key, its time and its topic. Fields of the
/// value win over all of them, headers over the rest.
///
/// Source: `KafkaInputFormat`, `KafkaInputReader`, `KafkaStringHeaderFormat`.
struct KafkaFormat: Sendable {
    /// Of header values.
    enum Encoding: Sendable {
        case utf8
        case ascii
        case latin1
        case utf16(bigEndian: Bool?)
    }

    let value: InputFormat
    let key: InputFormat?
    let headers: Encoding?
    let headerPrefix: String
    let keyColumn: String
    let timestampColumn: String
    let topicColumn: String
    /// Only when named: Druid 33 does not have them.
    let partitionColumn: String?
    let offsetColumn: String?

    init(_ fields: SpecFields) throws(LaminaError) {
        func format(_ name: String) throws(LaminaError) -> InputFormat? {
            guard let given = fields[name], !given.isNull else { return nil }
            let format = try InputFormat(json: given, path: "\(fields.path).\(name)")
            if case .kafka = format.kind { throw fields.error(name, "cannot be of type 'kafka' itself") }
            return format
        }
        guard let value = try format("valueFormat") else { throw fields.missing("valueFormat") }
        self.value = value
        key = try format("keyFormat")
        headers = try Self.headers(fields)
        headerPrefix = try fields.string("headerColumnPrefix") ?? "kafka.header."
        keyColumn = try fields.string("keyColumnName") ?? "kafka.key"
        timestampColumn = try fields.string("timestampColumnName") ?? "kafka.timestamp"
        topicColumn = try fields.string("topicColumnName") ?? "kafka.topic"
        partitionColumn = try fields.string("partitionColumnName")
        offsetColumn = try fields.string("offsetColumnName")
    }

    private static func headers(_ fields: SpecFields) throws(LaminaError) -> Encoding? {
        guard let given = fields["headerFormat"], !given.isNull else { return nil }
        let spec = try SpecFields(given, path: "\(fields.path).headerFormat")
        _ = try spec.type(known: ["string"], unsupported: [])
        let name = try spec.string("encoding") ?? "UTF-8"
        switch name.uppercased() {
        case "UTF-8", "UTF8": return .utf8
        case "US-ASCII", "ASCII": return .ascii
        case "ISO-8859-1", "ISO8859_1", "LATIN1": return .latin1
        case "UTF-16": return .utf16(bigEndian: nil)
        case "UTF-16BE": return .utf16(bigEndian: true)
        case "UTF-16LE": return .utf16(bigEndian: false)
        default: throw .unsupported("\(spec.path).encoding '\(name)'")
        }
    }

    /// Adds the columns to rows that were parsed of the values.
    ///
    /// - Parameters:
    ///   - rows: what record each row is of.
    ///   - keys: the key of each record, once parsed: its column's kind and payload, and the batch that holds its text.
    func addColumns(_ builder: BatchBuilder, rows: [UInt32], of batch: RecordBatch, keys: KeyValues?) {
        var adding = Adding(builder: builder, fillsNulls: !value.keepsNullColumns)
        let topics = batch.partitions.map { builder.addText($0.topic.utf8) }
        for row in 0..<builder.rowCount {
            let place = Int(rows[row])
            if row > 0, rows[row - 1] == rows[row] {
                adding.repeatRow(row)
                continue
            }
            adding.begin()
            if let encoding = headers { addHeaders(&adding, row, batch.records[place], batch.bytes, encoding) }
            if let time = batch.records[place].timestamp {
                adding.number(timestampColumn, row, time)
            }
            let partition = Int(batch.records[place].partition)
            adding.value(topicColumn, row, FieldKind.string, topics[partition], text: nil)
            if let partitionColumn { adding.number(partitionColumn, row, Int64(batch.partitions[partition].number)) }
            if let offsetColumn { adding.number(offsetColumn, row, batch.records[place].offset) }
            if let key = keys?.value(of: place) {
                adding.value(keyColumn, row, key.kind, key.payload, text: key.text)
            }
        }
    }

    private func addHeaders(
        _ adding: inout Adding,
        _ row: Int,
        _ record: RecordBatch.Record,
        _ bytes: [UInt8],
        _ encoding: Encoding
    ) {
        // The last header of a name counts.
        var last: [String: Int] = [:]
        for (index, header) in record.headers.enumerated() { last[header.name] = index }
        for (index, header) in record.headers.enumerated() where last[header.name] == index {
            let name = headerPrefix + header.name
            if let range = header.value {
                adding.text(name, row, decoded(bytes[range], encoding).utf8)
            } else {
                adding.value(name, row, FieldKind.null, 0, text: nil)
            }
        }
    }

    private func decoded(_ bytes: ArraySlice<UInt8>, _ encoding: Encoding) -> String {
        switch encoding {
        case .utf8: return String(decoding: bytes, as: UTF8.self)
        case .ascii:
            var text = String.UnicodeScalarView()
            for byte in bytes { text.append(byte < 0x80 ? Unicode.Scalar(byte) : "\u{FFFD}") }
            return String(text)
        case .latin1:
            var text = String.UnicodeScalarView()
            for byte in bytes { text.append(Unicode.Scalar(byte)) }
            return String(text)
        case .utf16(let order):
            var units: [UInt16] = []
            var big = order ?? true
            var rest = bytes
            if order == nil, let first = bytes.first, let second = bytes.dropFirst().first {
                if first == 0xFE, second == 0xFF { rest = bytes.dropFirst(2) }
                if first == 0xFF, second == 0xFE {
                    big = false
                    rest = bytes.dropFirst(2)
                }
            }
            var iterator = rest.makeIterator()
            while let one = iterator.next() {
                guard let two = iterator.next() else {
                    units.append(0xFFFD)
                    break
                }
                units.append(big ? UInt16(one) << 8 | UInt16(two) : UInt16(two) << 8 | UInt16(one))
            }
            return String(decoding: units, as: UTF16.self)
        }
    }
}

/// The keys of a batch, parsed: what the first field of each record's first row holds.
struct KeyValues {
    struct Key {
        var kind: UInt8
        var payload: UInt64
        var text: UnsafeRawBufferPointer?
    }

    /// By record; the batch each is of holds their text.
    private let found: [UInt32: (batch: RowBatch, row: Int)]

    init(_ parsed: ParsedRecords) {
        var found: [UInt32: (batch: RowBatch, row: Int)] = [:]
        for batch in parsed.batches {
            for (row, record) in batch.records.enumerated() where found[record] == nil { found[record] = (batch, row) }
        }
        self.found = found
    }

    func value(of record: Int) -> Key? {
        guard let (batch, row) = found[UInt32(record)] else { return nil }
        for field in batch.fields where field.kinds[row] != FieldKind.missing {
            let kind = field.kinds[row]
            let hasText = kind == FieldKind.string || kind == FieldKind.json
            return Key(
                kind: kind,
                payload: field.payloads[row],
                text: hasText ? batch.text(field.payloads[row]) : nil
            )
        }
        return nil
    }
}

/// Fills columns where the value of a record has nothing.
private struct Adding {
    let builder: BatchBuilder
    let fillsNulls: Bool
    /// What the record gave, for its further rows.
    private var given: [(column: FieldColumn, kind: UInt8, payload: UInt64)] = []

    init(builder: BatchBuilder, fillsNulls: Bool) {
        self.builder = builder
        self.fillsNulls = fillsNulls
    }

    mutating func begin() { given.removeAll(keepingCapacity: true) }

    private func isFree(_ column: FieldColumn, _ row: Int) -> Bool {
        column.kinds[row] == FieldKind.missing || fillsNulls && column.kinds[row] == FieldKind.null
    }

    /// What comes first of a name counts.
    private func column(_ name: String) -> FieldColumn? {
        guard let column = builder.column(name), !given.contains(where: { $0.column === column }) else { return nil }
        return column
    }

    private mutating func add(_ column: FieldColumn, _ row: Int, _ kind: UInt8, _ payload: UInt64) {
        given.append((column, kind, payload))
        if isFree(column, row) { column.set(row, kind: kind, payload: payload) }
    }

    mutating func number(_ name: String, _ row: Int, _ number: Int64) {
        guard let column = column(name) else { return }
        add(column, row, FieldKind.long, UInt64(bitPattern: number))
    }

    mutating func text(_ name: String, _ row: Int, _ bytes: some Collection<UInt8>) {
        guard let column = column(name) else { return }
        add(column, row, FieldKind.string, builder.addText(bytes))
    }

    mutating func value(_ name: String, _ row: Int, _ kind: UInt8, _ payload: UInt64, text: UnsafeRawBufferPointer?) {
        guard let column = column(name) else { return }
        add(column, row, kind, text.map { builder.addText($0) } ?? payload)
    }

    func repeatRow(_ row: Int) {
        for (column, kind, payload) in given where isFree(column, row) {
            column.set(row, kind: kind, payload: payload)
        }
    }
}
