import LaminaBase

/// Times and texts. Source: `TimestampParseExprMacro`, `TimestampFormatExprMacro`, `Function.TimestampFromEpochFunc`.
let timeTextFunctions: [ExpressionFunction] = [
    ExpressionFunction(
        "timestamp",
        1...2,
        type: always(.long),
        .strict { values throws(LaminaError) in
            try instant(values, "timestamp").map(Value.long) ?? .null
        }
    ),
    ExpressionFunction(
        "unix_timestamp",
        1...2,
        type: always(.long),
        .strict { values throws(LaminaError) in
            try instant(values, "unix_timestamp").map { .long($0 / 1000) } ?? .null
        }
    ),
    ExpressionFunction("timestamp_parse", 1...3, type: always(.long), .prepared(prepareParse)),
    ExpressionFunction("timestamp_format", 1...3, type: always(.string), .prepared(prepareFormat)),
]

/// The instant of a text in ISO form or in a Joda pattern; a text that names none is an error.
private func instant(_ values: [Value], _ name: String) throws(LaminaError) -> Int64? {
    guard case .string(let text) = values[0] else {
        if values[0].isNull { return nil }
        throw .evaluation("Function[\(name)] first argument should be a STRING but got \(values[0].typeName) instead")
    }
    if values.count > 1, let format = values[1].asText {
        if let found = try JodaPattern(format).parse(text) { return found }
    } else if let found = try? parseInstant(text) {
        return found
    }
    throw .evaluation("Function[\(name)] invalid value \(text)")
}

private func prepareParse(_ arguments: PreparedArguments) throws(LaminaError) -> ExpressionFunction.StrictBody {
    let format = try arguments.text(1, "format")
    let zone = zoneOrUTC(try arguments.text(2, "timezone"))
    guard let format else {
        return { values in values[0].asText.flatMap { parseLenientInstant($0, zone: zone) }.map(Value.long) ?? .null }
    }
    let pattern = try JodaPattern(format)
    return { values in values[0].asText.flatMap { pattern.parse($0, zone: zone) }.map(Value.long) ?? .null }
}

/// ISO form, or the SQL form with a space between date and time; texts without a zone are in `zone`.
private func parseLenientInstant(_ text: String, zone: TimeZoneRules) -> Int64? {
    var text = text
    return text.withUTF8 { parseInstant(bytes: $0, zone: zone, spaceSeparates: true) }
}

private func prepareFormat(_ arguments: PreparedArguments) throws(LaminaError) -> ExpressionFunction.StrictBody {
    let format = try arguments.text(1, "format")
    let zone = zoneOrUTC(try arguments.text(2, "timezone"))
    guard let format else {
        return { values in values[0].asLong.map { .string(instantText($0, zone: zone)) } ?? .null }
    }
    let pattern = try JodaPattern(format)
    return { values in values[0].asLong.map { .string(pattern.format($0, zone: zone)) } ?? .null }
}
