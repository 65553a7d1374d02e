import LaminaBase

/// The rows of one batch by what dedup compares: bytes of the key and, behind them, of the order.
struct KeyedRows: Sendable {
    struct Row: Sendable {
        /// Over the whole input, bad rows counted in.
        var number: Int64
        /// Of the key.
        var hash: UInt64
        /// Of the key in `bytes`; the order follows.
        var start: Int
        var keyCount: Int
        var orderCount: Int
    }

    var bytes: [UInt8] = []
    var rows: [Row] = []
    /// The sum of hashes of all rows: equal in two passes over the same input, however it was cut into batches.
    var checksum: UInt64 = 0
    /// Whether any row has any of the key fields.
    var hasKeys = false
}

/// Writes what dedup compares of the rows of one batch.
///
/// Keys are equal when a string dimension would store them alike (`1` and `"1"`), nested values when their JSON is the same.
/// Orders compare as bytes: null, then numbers by value, then other texts by their UTF-16 units, then nested values by their
/// text; a text that is a number counts as that, since some formats know nothing else, and true and false are 1 and 0.
struct DedupKeyWriter {
    private enum Input {
        case time
        case field(FieldView?)
    }

    private enum Tag {
        static let null: UInt8 = 0
        static let number: UInt8 = 1
        static let text: UInt8 = 2
        static let nested: UInt8 = 3
    }

    private let keys: [Input]
    private let order: [Input]
    let hasKeys: Bool

    init(_ spec: DedupSpec, _ fields: [String: FieldView]) {
        func input(_ name: String) -> Input { name == "__time" ? .time : .field(fields[name]) }
        keys = spec.keys.map(input)
        order = spec.order.map(input)
        hasKeys = spec.keys.contains { $0 == "__time" || fields[$0] != nil }
    }

    /// Appends one row.
    func append(_ row: Int, number: Int64, time: Int64, to rows: inout KeyedRows) {
        let start = rows.bytes.count
        for input in keys { Self.appendKey(input, row, time, &rows.bytes) }
        let middle = rows.bytes.count
        for input in order { Self.appendOrder(input, row, time, &rows.bytes) }
        let end = rows.bytes.count
        let (key, order) = rows.bytes.withUnsafeBytes { bytes in
            (
                hashWide(UnsafeRawBufferPointer(rebasing: bytes[start..<middle])),
                hashWide(UnsafeRawBufferPointer(rebasing: bytes[middle..<end]))
            )
        }
        rows.checksum &+= mixBits(key ^ mixBits(order ^ mixBits(UInt64(bitPattern: number) ^ 0x2545_F491_4F6C_DD1D)))
        rows.rows.append(
            KeyedRows.Row(
                number: number,
                hash: key,
                start: start,
                keyCount: middle - start,
                orderCount: end - middle
            )
        )
    }

    private static func appendKey(_ input: Input, _ row: Int, _ time: Int64, _ bytes: inout [UInt8]) {
        guard case .field(let field) = input else {
            bytes.append(Tag.number)
            appendBigEndian(UInt64(bitPattern: time), &bytes)
            return
        }
        guard let field else {
            bytes.append(Tag.null)
            return
        }
        switch field.kinds[row] {
        case FieldKind.missing, FieldKind.null: bytes.append(Tag.null)
        case FieldKind.string: appendCounted(Tag.text, field.text(row), &bytes)
        case FieldKind.json:
            var text = field.json(row).text
            text.withUTF8 { appendCounted(Tag.nested, UnsafeRawBufferPointer($0), &bytes) }
        default:
            var text = field.javaString(row) ?? ""
            text.withUTF8 { appendCounted(Tag.text, UnsafeRawBufferPointer($0), &bytes) }
        }
    }

    private static func appendCounted(_ tag: UInt8, _ text: UnsafeRawBufferPointer, _ bytes: inout [UInt8]) {
        bytes.append(tag)
        appendBigEndian(UInt64(text.count), &bytes)
        bytes.append(contentsOf: text)
    }

    private static func appendOrder(_ input: Input, _ row: Int, _ time: Int64, _ bytes: inout [UInt8]) {
        guard case .field(let field) = input else {
            append(time, &bytes)
            return
        }
        guard let field else {
            bytes.append(Tag.null)
            return
        }
        switch field.kinds[row] {
        case FieldKind.missing, FieldKind.null: bytes.append(Tag.null)
        case FieldKind.long: append(field.long(row), &bytes)
        case FieldKind.bool: append(field.payloads[row] == 0 ? 0 : 1, &bytes)
        case FieldKind.double: append(field.double(row), &bytes)
        case FieldKind.float: append(Double(field.float(row)), &bytes)
        case FieldKind.string:
            let text = field.text(row).assumingMemoryBound(to: UInt8.self)
            if let number = parseWhole(text) {
                append(number, &bytes)
            } else if let number = parseDouble(text) {
                append(number, &bytes)
            } else {
                appendEnded(Tag.text, text, &bytes)
            }
        default:
            var text = field.kinds[row] == FieldKind.json ? field.json(row).text : field.javaString(row) ?? ""
            text.withUTF8 { appendEnded(Tag.nested, $0, &bytes) }
        }
    }

    /// A long exactly: the nearest double, then what it lacks.
    private static func append(_ number: Int64, _ bytes: inout [UInt8]) {
        let near = Double(number)
        let whole = near >= 0x1p63 ? Int64.min : Int64(near)
        append(near, rest: number &- whole, &bytes)
    }

    private static func append(_ number: Double, rest: Int64 = 0, _ bytes: inout [UInt8]) {
        bytes.append(Tag.number)
        // One zero and one NaN, which is greater than all, as Java has it.
        let bits = number == 0 ? 0 : number.isNaN ? Double.nan.bitPattern : number.bitPattern
        appendBigEndian(bits >> 63 == 0 ? bits | 1 << 63 : ~bits, &bytes)
        appendBigEndian(UInt64(bitPattern: rest) ^ 1 << 63, &bytes)
    }

    /// Lead bytes EE and EF (U+E000 to U+FFFF) come after F0 to F4; zeros end the text, one inside is marked.
    private static func appendEnded(_ tag: UInt8, _ text: UnsafeBufferPointer<UInt8>, _ bytes: inout [UInt8]) {
        bytes.append(tag)
        for byte in text {
            bytes.append(byte == 0xEE || byte == 0xEF ? byte &+ 0x10 : byte)
            if byte == 0 { bytes.append(0xFF) }
        }
        bytes.append(0)
        bytes.append(0)
    }

    private static func appendBigEndian(_ word: UInt64, _ bytes: inout [UInt8]) {
        withUnsafeBytes(of: word.bigEndian) { bytes.append(contentsOf: $0) }
    }
}

extension BatchPreparation {
    /// What dedup compares of the given batch rows.
    func keyedRows(_ rows: [Int32], _ spec: DedupSpec) -> KeyedRows {
        var keyed = KeyedRows()
        let writer = DedupKeyWriter(spec, fields)
        keyed.hasKeys = writer.hasKeys && !rows.isEmpty
        for row in rows {
            writer.append(Int(row), number: firstRow + Int64(row), time: times[Int(row)], to: &keyed)
        }
        return keyed
    }
}
