import LaminaBase

/// Stores values of any type in field columns; collects the bytes that their payloads refer to, from 0 on.
struct FieldTexts {
    private(set) var bytes: [UInt8] = []

    mutating func store(_ value: Value, in column: FieldColumn, _ row: Int) {
        switch value {
        case .null: column.set(row, kind: FieldKind.null, payload: 0)
        case .long(let number): column.set(row, kind: FieldKind.long, payload: UInt64(bitPattern: number))
        case .float(let number): column.set(row, kind: FieldKind.float, payload: UInt64(number.bitPattern))
        case .double(let number): column.set(row, kind: FieldKind.double, payload: number.bitPattern)
        case .string(let text): put(text.utf8, in: column, row, FieldKind.string)
        case .json(let json):
            switch json {
            case .array, .object: put(json.text.utf8, in: column, row, FieldKind.json)
            default: store(nestedValue(json), in: column, row)
            }
        case .array: put(jsonValue(value).text.utf8, in: column, row, FieldKind.json)
        case .complex(let type, let content):
            if column.complexType == nil { column.complexType = type }
            put(content, in: column, row, FieldKind.complex)
        }
    }

    mutating func put(_ content: some Collection<UInt8>, in column: FieldColumn, _ row: Int, _ kind: UInt8) {
        let start = bytes.count
        bytes.append(contentsOf: content)
        column.setText(row, kind: kind, start: start, length: bytes.count - start)
    }
}
