import LaminaBase

/// A field of the rows of one batch: as parsed, or computed by a transform.
struct FieldView {
    let name: String
    let kinds: UnsafePointer<UInt8>
    let payloads: UnsafePointer<UInt64>
    /// What text payloads are relative to.
    let base: UnsafeRawPointer?
    /// Of `complex` values.
    let complexType: String?

    init(_ column: FieldColumn, base: UnsafeRawPointer?) {
        name = column.name
        kinds = UnsafePointer(column.kinds)
        payloads = UnsafePointer(column.payloads)
        complexType = column.complexType
        self.base = base
    }

    @inline(__always)
    func text(_ row: Int) -> UnsafeRawBufferPointer {
        let payload = payloads[row]
        let start = Int(UInt32(truncatingIfNeeded: payload))
        let length = Int(UInt32(truncatingIfNeeded: payload &>> 32))
        return UnsafeRawBufferPointer(start: base.map { $0 + start }, count: length)
    }

    func string(_ row: Int) -> String { String(decoding: text(row), as: UTF8.self) }

    func double(_ row: Int) -> Double { Double(bitPattern: payloads[row]) }

    func float(_ row: Int) -> Float { Float(bitPattern: UInt32(truncatingIfNeeded: payloads[row])) }

    func long(_ row: Int) -> Int64 { Int64(bitPattern: payloads[row]) }

    /// Parsed JSON of a `json` field; null when the text does not parse (it did in the format).
    func json(_ row: Int) -> JSON { (try? JSONParser.parse(Array(text(row)))) ?? .null }

    /// The value for expressions; booleans are 1 and 0, as Druid's `ExprEval.bestEffortOf` has them.
    func value(_ row: Int) -> Value {
        switch kinds[row] {
        case FieldKind.string: .string(string(row))
        case FieldKind.long: .long(long(row))
        case FieldKind.double: .double(double(row))
        case FieldKind.bool: .long(payloads[row] == 0 ? 0 : 1)
        case FieldKind.json: nestedValue(json(row))
        case FieldKind.float: .float(float(row))
        case FieldKind.complex: .complex(type: complexType ?? "", bytes: Array(text(row)))
        default: .null
        }
    }

    /// The text that Java's `toString` makes of the value; nil for null.
    func javaString(_ row: Int) -> String? {
        switch kinds[row] {
        case FieldKind.string: string(row)
        case FieldKind.long: String(long(row))
        case FieldKind.double: javaText(double(row))
        case FieldKind.bool: payloads[row] == 0 ? "false" : "true"
        case FieldKind.json: LaminaIngest.javaString(of: json(row))
        case FieldKind.float: javaText(float(row))
        case FieldKind.complex: base64Encoded(Array(text(row)))
        default: nil
        }
    }

    /// The row's values as Druid's `Rows.objectToStrings` lists them: null gives none, null elements the text `null`.
    func javaStrings(_ row: Int) -> [String] {
        if kinds[row] == FieldKind.json, case .array(let elements) = json(row) {
            return elements.map(LaminaIngest.javaString(of:))
        }
        return javaString(row).map { [$0] } ?? []
    }
}

/// What Java prints of a nested value: `{a=1, b=[x, null]}`.
func javaString(of json: JSON) -> String {
    switch json {
    case .null: "null"
    case .bool(let flag): flag ? "true" : "false"
    case .int(let number): String(number)
    case .double(let number): javaText(number)
    case .string(let text): text
    case .array(let elements): "[" + elements.map(javaString(of:)).joined(separator: ", ") + "]"
    case .object(let object):
        "{" + object.entries.map { "\($0.key)=\(javaString(of: $0.value))" }.joined(separator: ", ") + "}"
    }
}

/// A nested value as expressions and `auto` columns see it: arrays of scalars are arrays, booleans 1 and 0; anything with an object
/// or an array inside stays JSON.
func nestedValue(_ json: JSON) -> Value {
    switch json {
    case .null: return .null
    case .bool(let flag): return .long(flag ? 1 : 0)
    case .int(let number): return .long(number)
    case .double(let number): return .double(number)
    case .string(let text): return .string(text)
    case .array(let elements):
        var values: [Value] = []
        for element in elements {
            switch element {
            case .array, .object: return .json(json)
            default: values.append(nestedValue(element))
            }
        }
        return .array(values)
    case .object: return .json(json)
    }
}

/// A value as JSON text holds it.
func jsonValue(_ value: Value) -> JSON {
    switch value {
    case .null: .null
    case .long(let number): .int(number)
    case .float(let number): .double(Double(number))
    case .double(let number): .double(number)
    case .string(let text): .string(text)
    case .array(let values): .array(values.map(jsonValue))
    case .json(let json): json
    case .complex(_, let bytes): .string(base64Encoded(bytes))
    }
}
