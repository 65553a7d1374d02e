package import LaminaBase

extension LaminaError {
    /// An expression that fails on a row's values (division by zero, a wrong type).
    static func evaluation(_ message: String) -> LaminaError {
        LaminaError(
            .runtimeFailure,
            code: "legacyQueryException",
            message,
            context: ["legacyErrorCode": "Unknown exception"]
        )
    }
}

/// Conversions of the expression language. Source: `ExprEval`, `Evals`.
extension Value {
    package var isNull: Bool { if case .null = self { true } else { false } }

    var typeName: String {
        switch self {
        case .null: "null"
        case .long: "LONG"
        case .float, .double: "DOUBLE"
        case .string: "STRING"
        case .array: "ARRAY"
        case .json: "COMPLEX<json>"
        case .complex(let type, _): "COMPLEX<\(type)>"
        }
    }

    /// The dynamic type; nil for null.
    package var columnType: ColumnType? {
        switch self {
        case .null: nil
        case .long: .long
        case .float, .double: .double
        case .string: .string
        case .array(let elements): .array(elementType(of: elements) ?? .string)
        case .json: .complex("json")
        case .complex(let type, _): .complex(type)
        }
    }

    /// Number > 0, or the text `true` in any case; an array of one as its element. Null is false.
    package var asBool: Bool {
        switch self {
        case .long(let number): number > 0
        case .float(let number): number > 0
        case .double(let number): number > 0
        case .string(let text): text.utf8.count == 4 && text.lowercased() == "true"
        case .json(.bool(let flag)): flag
        case .json(let json): json.doubleValue.map { $0 > 0 } ?? false
        case .array(let elements): elements.count == 1 && elements[0].asBool
        default: false
        }
    }

    /// As a whole number: doubles truncate and saturate, texts are read as numbers; nil when there is none.
    package var asLong: Int64? {
        switch self {
        case .long(let number): number
        case .float(let number): saturatingLong(Double(number))
        case .double(let number): saturatingLong(number)
        case .string(let text): parseJavaLong(text) ?? parseJavaDouble(text).map(saturatingLong)
        case .array(let elements): elements.count == 1 ? elements[0].asLong : nil
        case .json(.int(let number)): number
        case .json(.bool(let flag)): flag ? 1 : 0
        case .json(.double(let number)): saturatingLong(number)
        case .json(.string(let text)): Value.string(text).asLong
        case .null, .json, .complex: nil
        }
    }

    /// As a double; nil when there is none.
    package var asDouble: Double? {
        switch self {
        case .long(let number): Double(number)
        case .float(let number): Double(number)
        case .double(let number): number
        case .string(let text): parseJavaDouble(text)
        case .array(let elements): elements.count == 1 ? elements[0].asDouble : nil
        case .json(.bool(let flag)): flag ? 1 : 0
        case .json(.string(let text)): parseJavaDouble(text)
        case .json(let json): json.doubleValue
        case .null, .complex: nil
        }
    }

    /// As text: numbers as Java prints them, arrays as `[a, b]`, one-element arrays as the element, json as its text.
    package var asText: String? {
        switch self {
        case .null: nil
        case .long(let number): String(number)
        case .float(let number): javaText(number)
        case .double(let number): javaText(number)
        case .string(let text): text
        case .array(let elements):
            if elements.count == 1 {
                elements[0].asText
            } else {
                "[" + elements.map { $0.asText ?? "null" }.joined(separator: ", ") + "]"
            }
        case .json(.string(let text)): text
        case .json(.null): nil
        case .json(let json): json.text
        case .complex(_, let bytes): base64Encoded(bytes)
        }
    }

    /// The elements; a scalar counts as an array of one, null as none at all.
    package var asElements: [Value]? {
        switch self {
        case .null: nil
        case .array(let elements): elements
        case .json(.array(let items)): items.map(scalarValue)
        case .json(.null): nil
        default: [self]
        }
    }

    /// The value in a type; what cannot be read in it becomes null.
    package func cast(to type: ColumnType) -> Value {
        switch type {
        case .long: return asLong.map(Value.long) ?? .null
        case .double: return asDouble.map(Value.double) ?? .null
        case .float: return asDouble.map { .float(Float($0)) } ?? .null
        case .string: return asText.map(Value.string) ?? .null
        case .array(let element):
            guard let elements = asElements else { return .null }
            return .array(elements.map { $0.cast(to: element) })
        case .complex("json"), .complex(""):
            return isNull ? .null : .json(asJSON)
        case .complex: return self
        }
    }

    /// As JSON, for functions that build nested values.
    package var asJSON: JSON {
        switch self {
        case .null: .null
        case .long(let number): .int(number)
        case .float(let number): .double(Double(number))
        case .double(let number): .double(number)
        case .string(let text): .string(text)
        case .array(let elements): .array(elements.map(\.asJSON))
        case .json(let json): json
        case .complex(_, let bytes): .string(base64Encoded(bytes))
        }
    }
}

/// A JSON value as the simplest value that holds it; objects stay `json`, null becomes null.
package func scalarValue(_ json: JSON) -> Value {
    switch json {
    case .null: .null
    case .bool(let flag): .long(flag ? 1 : 0)
    case .int(let number): .long(number)
    case .double(let number): .double(number)
    case .string(let text): .string(text)
    case .array(let items): .array(items.map(scalarValue))
    case .object: .json(json)
    }
}

/// The common type of elements; nil when all are null.
func elementType(of elements: [Value]) -> ColumnType? { commonType(elements.lazy.map(\.columnType)) }

/// Java's `(long) double`: truncated towards zero, saturating, NaN is 0.
package func saturatingLong(_ number: Double) -> Int64 {
    if number.isNaN { return 0 }
    if number >= 0x1p63 { return .max }
    if number <= -0x1p63 { return .min }
    return Int64(number)
}

/// Nulls first, then by type: numbers by value, texts in Java's order.
func compareElements(_ left: Value, _ right: Value) -> Int {
    switch (left, right) {
    case (.null, .null): return 0
    case (.null, _): return -1
    case (_, .null): return 1
    case (.long(let first), .long(let second)): return first < second ? -1 : first == second ? 0 : 1
    case (.string, _), (_, .string): return javaCompare(left.asText ?? "", right.asText ?? "")
    case (.array(let first), .array(let second)): return compareArrays(first, second)
    default:
        guard let first = left.asDouble, let second = right.asDouble else {
            return javaCompare(left.asText ?? "", right.asText ?? "")
        }
        return compareJava(first, second)
    }
}

/// Element by element, the shorter array first.
func compareArrays(_ left: [Value], _ right: [Value]) -> Int {
    for index in 0..<min(left.count, right.count) {
        let order = compareElements(left[index], right[index])
        if order != 0 { return order }
    }
    return left.count < right.count ? -1 : left.count == right.count ? 0 : 1
}
