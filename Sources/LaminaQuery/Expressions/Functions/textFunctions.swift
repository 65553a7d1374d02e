import LaminaBase

/// String functions. Positions and lengths count UTF-16 units. Source: `Function` of each name.
let textFunctions: [ExpressionFunction] = [
    ExpressionFunction("concat", 0...manyArguments, type: always(.string), .strict(concatenate)),
    ExpressionFunction("format", 1...manyArguments, type: always(.string), .strict(formatText)),
    ExpressionFunction(
        "strlen",
        1...1,
        type: always(.long),
        .strict { $0[0].asText.map { .long(Int64(javaLength($0))) } ?? .null }
    ),
    ExpressionFunction("strpos", 2...3, type: always(.long), .strict(position)),
    ExpressionFunction("substring", 3...3, type: always(.string), .strict(substring)),
    ExpressionFunction("left", 2...2, type: always(.string), .strict(left)),
    ExpressionFunction("right", 2...2, type: always(.string), .strict(right)),
    text("lower", javaLowercased),
    text("upper") { $0.uppercased() },
    text("reverse") { String(String.UnicodeScalarView($0.unicodeScalars.reversed())) },
    ExpressionFunction("repeat", 2...2, type: always(.string), .strict(repeated)),
    ExpressionFunction("replace", 3...3, type: always(.string), .strict(replace)),
    ExpressionFunction(
        "lpad",
        3...3,
        type: always(.string),
        .strict { values throws(LaminaError) in try pad(values, onLeft: true) }
    ),
    ExpressionFunction(
        "rpad",
        3...3,
        type: always(.string),
        .strict { values throws(LaminaError) in try pad(values, onLeft: false) }
    ),
    trim("trim", left: true, right: true),
    trim("btrim", left: true, right: true),
    trim("ltrim", left: true, right: false),
    trim("rtrim", left: false, right: true),
    ExpressionFunction("parse_long", 1...2, type: always(.long), .strict(parseLong)),
    ExpressionFunction("decode_base64_utf8", 1...1, type: always(.string), .strict(decodeBase64)),
    ExpressionFunction("complex_decode_base64", 2...2, type: complexType, .prepared(prepareDecodeComplex)),
    ExpressionFunction("decode_base64_complex", 2...2, type: complexType, .prepared(prepareDecodeComplex)),
    ExpressionFunction("lookup", 2...3, foldable: false, type: always(.string), .prepared(prepareLookup)),
]

/// A repeated or padded text longer than this is refused: a row must not take seconds.
private let textLengthMax = 10_000_000

private func text(_ name: String, _ body: @escaping @Sendable (String) -> String) -> ExpressionFunction {
    ExpressionFunction(name, 1...1, type: always(.string), .strict { $0[0].asText.map { .string(body($0)) } ?? .null })
}

private func concatenate(_ values: [Value]) -> Value {
    if values.isEmpty { return .null }
    var result = ""
    for value in values {
        guard let text = value.asText else { return .null }
        result += text
    }
    return .string(result)
}

private func formatText(_ values: [Value]) -> Value {
    guard let format = values[0].asText else { return .null }
    return .string(javaFormat(format, Array(values.dropFirst())))
}

/// An argument as Java's `asInt`: null counts as 0, longs are cut to 32 bits.
private func int(_ value: Value) -> Int { Int(Int32(truncatingIfNeeded: value.asLong ?? 0)) }

private func position(_ values: [Value]) -> Value {
    guard let text = values[0].asText, let part = values[1].asText else { return .null }
    let start = values.count > 2 ? int(values[2]) : 0
    return .long(Int64(UTF16Text(text).index(of: UTF16Text(part), from: start)))
}

private func substring(_ values: [Value]) throws(LaminaError) -> Value {
    guard let text = values[0].asText else { return .null }
    let start = int(values[1])
    let length = int(values[2])
    guard start >= 0 else { throw .evaluation("Function[substring] needs an index of at least 0, not \(start)") }
    return javaSubstring(text, from: start, length: length < 0 ? nil : length).map(Value.string) ?? .null
}

/// The arguments of `left`, `right` and `repeat`: a text and a whole number; nil when one is null.
private func textAndCount(_ name: String, _ values: [Value]) throws(LaminaError) -> (String, Int)? {
    guard values[0].asText != nil, values[1].asLong != nil else { return nil }
    let count = int(values[1])
    if name != "repeat", count < 0 {
        throw .evaluation("Function[\(name)] needs a positive integer as second argument")
    }
    return values[0].asText.map { ($0, count) }
}

private func left(_ values: [Value]) throws(LaminaError) -> Value {
    guard let (text, count) = try textAndCount("left", values) else { return .null }
    return .string(count < javaLength(text) ? javaSubstring(text, from: 0, length: count) ?? "" : text)
}

private func right(_ values: [Value]) throws(LaminaError) -> Value {
    guard let (text, count) = try textAndCount("right", values) else { return .null }
    let length = javaLength(text)
    return .string(count < length ? javaSubstring(text, from: length - count, length: nil) ?? "" : text)
}

private func repeated(_ values: [Value]) throws(LaminaError) -> Value {
    guard let (text, count) = try textAndCount("repeat", values) else { return .null }
    if count < 1 { return .null }
    guard text.utf8.count.multipliedReportingOverflow(by: count).partialValue <= textLengthMax, count <= textLengthMax
    else {
        throw .resourceLimit("Function[repeat] would make a text of more than \(textLengthMax) bytes")
    }
    return .string(String(repeating: text, count: count))
}

private func replace(_ values: [Value]) throws(LaminaError) -> Value {
    guard let text = values[0].asText, let part = values[1].asText, let other = values[2].asText else { return .null }
    let bytes = Array(text.utf8)
    let wanted = Array(part.utf8)
    var result: [UInt8] = []
    if wanted.isEmpty {
        // Java puts the replacement before every UTF-16 unit and at the end; here before every character.
        for scalar in text.unicodeScalars { result += Array(other.utf8) + Array(String(scalar).utf8) }
        return .string(String(decoding: result + Array(other.utf8), as: UTF8.self))
    }
    var start = 0
    while let found = byteIndex(of: wanted, in: bytes, from: start) {
        result += bytes[start..<found]
        result += other.utf8
        start = found + wanted.count
        guard result.count <= textLengthMax else {
            throw .resourceLimit("Function[replace] would make a text of more than \(textLengthMax) bytes")
        }
    }
    return .string(String(decoding: result + bytes[start...], as: UTF8.self))
}

private func pad(_ values: [Value], onLeft: Bool) throws(LaminaError) -> Value {
    guard let text = values[0].asText, let padding = values[2].asText else { return .null }
    let length = int(values[1])
    if length == 0 { return .null }
    guard length > 0, length <= textLengthMax else {
        throw .evaluation("Function[\(onLeft ? "l" : "r")pad] cannot make a text of length \(length)")
    }
    let base = UTF16Text(text)
    let fill = UTF16Text(padding)
    if length <= base.count { return .string(base.text(0..<length)) }
    if fill.count == 0 { return .string(text) }
    var units: [UInt16] = []
    units.reserveCapacity(length)
    if !onLeft { units = base.units }
    for index in 0..<length - base.count { units.append(fill.units[index % fill.count]) }
    if onLeft { units += base.units }
    return .string(String(decoding: units, as: UTF16.self))
}

private func trim(_ name: String, left: Bool, right: Bool) -> ExpressionFunction {
    ExpressionFunction(
        name,
        1...2,
        type: always(.string),
        .strict { values in
            guard let text = values[0].asText else { return .null }
            var unwanted: Set<UInt16> = [0x20]
            if values.count > 1 { unwanted = Set((values[1].asText ?? "").utf16) }
            let units = Array(text.utf16)
            var start = 0
            var end = units.count
            while left, start < end, unwanted.contains(units[start]) { start += 1 }
            while right, end > start, unwanted.contains(units[end - 1]) { end -= 1 }
            // What has nothing to trim stays what it is, no text either.
            if end - start == units.count { return values[0] }
            return .string(String(decoding: units[start..<end], as: UTF16.self))
        }
    )
}

private func parseLong(_ values: [Value]) -> Value {
    guard var text = values[0].asText.map({ Substring($0) }) else { return .null }
    let radix = values.count > 1 ? int(values[1]) : 10
    guard radix >= 2, radix <= 36 else { return .null }
    if radix == 16, text.hasPrefix("0x") || text.hasPrefix("0X") { text = text.dropFirst(2) }
    return Int64(text, radix: radix).map(Value.long) ?? .null
}

private func decodeBase64(_ values: [Value]) -> Value {
    guard let text = values[0].asText, let bytes = base64Decoded(text) else { return .null }
    return .string(String(decoding: bytes, as: UTF8.self))
}

private func complexType(_ types: [ColumnType?], _ nodes: [ExpressionNode]) -> ColumnType? {
    nodes[0].literalValue?.asText.map { .complex($0) }
}

private func prepareDecodeComplex(_ arguments: PreparedArguments) throws(LaminaError) -> ExpressionFunction.StrictBody {
    let type = try arguments.requiredText(0, "first (type name)")
    return { values in
        switch values[1] {
        case .complex: return values[1]
        default:
            guard let text = values[1].asText, let bytes = base64Decoded(text) else { return .null }
            return .complex(type: type, bytes: bytes)
        }
    }
}

private func prepareLookup(_ arguments: PreparedArguments) throws(LaminaError) -> ExpressionFunction.StrictBody {
    let name = try arguments.requiredText(1, "second (name)")
    let replacement = try arguments.text(2, "third (replacement)")
    guard let table = arguments.lookups?(name) else { throw .invalidInput("Lookup [\(name)] not found") }
    return { values in
        guard let key = values[0].asText else { return replacement.map(Value.string) ?? .null }
        return (table.value(key) ?? replacement).map(Value.string) ?? .null
    }
}
