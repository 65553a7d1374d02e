import LaminaBase

/// Making arrays. Source: `Function.ArrayConstructorFunction`, `ArrayAddElementFunction`, `ArraysMergeFunction`.
let arrayBuildingFunctions: [ExpressionFunction] = [
    ExpressionFunction(
        "array",
        0...manyArguments,
        arrayOutput: true,
        type: constructedType,
        .strict { .array(unified($0)) }
    ),
    ExpressionFunction(
        "array_append",
        2...2,
        arrays: .at([0]),
        arrayOutput: true,
        type: arrayOfFirst,
        .strict { values in
            values[0].asElements.map { .array($0 + [fitting(values[1], $0)]) } ?? .null
        }
    ),
    ExpressionFunction(
        "array_prepend",
        2...2,
        arrays: .at([1]),
        arrayOutput: true,
        type: { types, _ in types[1].map(arrayType) },
        .strict { values in
            values[1].asElements.map { .array([fitting(values[0], $0)] + $0) } ?? .null
        }
    ),
    ExpressionFunction(
        "array_concat",
        2...2,
        arrays: .all,
        arrayOutput: true,
        type: arrayOfFirst,
        .strict { values in
            // Elements stay what they are, whatever their types.
            guard let first = values[0].asElements, let second = values[1].asElements else { return .null }
            return .array(first + second)
        }
    ),
    ExpressionFunction(
        "array_set_add",
        2...2,
        arrays: .at([0]),
        arrayOutput: true,
        type: arrayOfFirst,
        .strict { values in
            values[0].asElements.map { .array(sortedSet($0 + [fitting(values[1], $0)])) } ?? .null
        }
    ),
    ExpressionFunction(
        "array_set_add_all",
        2...2,
        arrays: .all,
        arrayOutput: true,
        type: arrayOfFirst,
        .strict { values in
            guard let first = values[0].asElements, let second = values[1].asElements else { return .null }
            return .array(sortedSet(first + second.map { fitting($0, first) }))
        }
    ),
    ExpressionFunction("array_slice", 2...3, arrays: .at([0]), arrayOutput: true, type: arrayOfFirst, .strict(slice)),
    ExpressionFunction(
        "string_to_array",
        2...2,
        arrayOutput: true,
        type: always(.array(.string)),
        .prepared(prepareSplit)
    ),
    ExpressionFunction(
        "array_to_mv",
        1...1,
        arrays: .all,
        arrayOutput: true,
        type: always(.array(.string)),
        .strict(texts)
    ),
    ExpressionFunction(
        "mv_to_array",
        1...1,
        arrays: .all,
        arrayOutput: true,
        type: always(.array(.string)),
        .strict(texts)
    ),
    ExpressionFunction(
        "mv_harmonize_nulls",
        1...1,
        arrays: .all,
        arrayOutput: true,
        type: always(.array(.string)),
        .strict { values in
            guard let elements = values[0].asElements, !elements.isEmpty else { return .array([.null]) }
            return .array(elements.map { $0.cast(to: .string) })
        }
    ),
]

/// An array longer than this is not made.
private let elementCountMax = 10_000_000

private let arrayOfFirst: ExpressionFunction.TypeRule = { types, _ in types[0].map(arrayType) }

private func constructedType(_ types: [ColumnType?], _ nodes: [ExpressionNode]) -> ColumnType? {
    .array(commonType(types) ?? .long)
}

/// A new element in the type of the elements there are.
private func fitting(_ value: Value, _ elements: [Value]) -> Value {
    guard let type = elementType(of: elements), !value.isNull else { return value }
    return value.columnType == type ? value : value.cast(to: type)
}

private func sortedSet(_ elements: [Value]) -> [Value] {
    var result: [Value] = []
    for element in elements.sorted(by: { compareElements($0, $1) < 0 }) {
        if let last = result.last, compareElements(last, element) == 0 { continue }
        result.append(element)
    }
    return result
}

private func texts(_ values: [Value]) -> Value { values[0].cast(to: .array(.string)) }

private func slice(_ values: [Value]) throws(LaminaError) -> Value {
    guard let elements = values[0].asElements else { return .null }
    let start = values[1].asLong ?? 0
    let end = values.count > 2 ? values[2].asLong ?? 0 : Int64(elements.count)
    if start < 0 || start > elements.count || start > end { return .null }
    guard end - start <= elementCountMax else {
        throw .resourceLimit("Function[array_slice] beyond \(elementCountMax) elements")
    }
    let inside = elements[Int(start)..<Int(min(end, Int64(elements.count)))]
    return .array(inside + [Value](repeating: .null, count: Int(max(0, end - max(start, Int64(elements.count))))))
}

/// `String.split(regex)`: trailing empty parts are dropped, a text without a match is itself.
private func prepareSplit(_ arguments: PreparedArguments) throws(LaminaError) -> ExpressionFunction.StrictBody {
    let constant: Regex?
    if let literal = arguments.literal(1) { constant = try Regex(literal.asText ?? "") } else { constant = nil }
    return { values throws(LaminaError) in
        guard let text = values[0].asText else { return .null }
        let regex: Regex
        if let constant { regex = constant } else { regex = try Regex(values[1].asText ?? "") }
        if text.isEmpty { return .array([.string("")]) }
        var parts = regex.split(text)
        while parts.count > 1, parts.last?.isEmpty ?? false { parts.removeLast() }
        if parts.count == 1, parts[0].isEmpty { return .array([]) }
        return .array(parts.map(Value.string))
    }
}
