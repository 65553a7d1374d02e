import LaminaBase

/// Reading arrays. Source: `Function.ArrayScalarFunction`, `ArraysFunction` and their subclasses.
let arrayFunctions: [ExpressionFunction] = [
    ExpressionFunction(
        "array_length",
        1...1,
        arrays: .all,
        type: always(.long),
        .strict { values in
            values[0].asElements.map { .long(Int64($0.count)) } ?? .null
        }
    ),
    ExpressionFunction("array_offset", 2...2, arrays: .at([0]), type: elementOfFirst, .strict { element($0, base: 0) }),
    ExpressionFunction(
        "array_ordinal",
        2...2,
        arrays: .at([0]),
        type: elementOfFirst,
        .strict { element($0, base: 1) }
    ),
    ExpressionFunction("array_offset_of", 2...2, arrays: .at([0]), type: always(.long), .strict { place($0, base: 0) }),
    ExpressionFunction(
        "array_ordinal_of",
        2...2,
        arrays: .at([0]),
        type: always(.long),
        .strict { place($0, base: 1) }
    ),
    ExpressionFunction("array_contains", 2...2, arrays: .all, type: always(.long), .strict(containsAll)),
    ExpressionFunction("mv_contains", 2...2, arrays: .all, type: always(.long), .strict(containsAll)),
    ExpressionFunction("array_overlap", 2...2, arrays: .all, type: always(.long), .strict(overlaps)),
    ExpressionFunction("mv_overlap", 2...2, arrays: .all, type: always(.long), .strict(overlaps)),
    ExpressionFunction("scalar_in_array", 2...2, arrays: .at([1]), type: always(.long), .strict(isInArray)),
    ExpressionFunction("array_to_string", 2...2, arrays: .at([0]), type: always(.string), .strict(join)),
    ExpressionFunction("array_quantile", 2...2, arrays: .at([0]), type: always(.double), .strict(quantile)),
]

let elementOfFirst: ExpressionFunction.TypeRule = { types, _ in types[0].map(scalarType) }

private func element(_ values: [Value], base: Int64) -> Value {
    guard let elements = values[0].asElements, let index = values[1].asLong else { return .null }
    let place = index.subtractingReportingOverflow(base).partialValue
    return place >= 0 && place < elements.count ? elements[Int(place)] : .null
}

/// Equal in value; an element of another type is compared after a cast to the array's.
private func same(_ left: Value, _ right: Value) -> Bool { compareElements(left, right) == 0 }

private func place(_ values: [Value], base: Int64) -> Value {
    guard let elements = values[0].asElements else { return .null }
    return elements.firstIndex { same($0, values[1]) }.map { .long(Int64($0) + base) } ?? .null
}

private func containsAll(_ values: [Value]) -> Value {
    guard let elements = values[0].asElements else { return .null }
    // A null on the right is an array of one null only if it came as a scalar; an unknown array makes it unknown.
    let wanted = values[1].asElements ?? [.null]
    return .long(wanted.allSatisfy { item in elements.contains { same($0, item) } } ? 1 : 0)
}

private func overlaps(_ values: [Value]) -> Value {
    guard let elements = values[0].asElements else { return .null }
    let others = values[1].asElements ?? [.null]
    return .long(elements.contains { item in others.contains { same($0, item) } } ? 1 : 0)
}

private func isInArray(_ values: [Value]) -> Value {
    guard let elements = values[1].asElements else { return .null }
    if values[0].isNull { return elements.contains(where: \.isNull) ? .long(1) : .null }
    let type = elementType(of: elements)
    let wanted = type.map { values[0].cast(to: $0) } ?? values[0]
    return .long(!wanted.isNull && elements.contains { !$0.isNull && same($0, wanted) } ? 1 : 0)
}

private func join(_ values: [Value]) -> Value {
    guard let elements = values[0].asElements else { return .null }
    if elements.count == 1, elements[0].isNull { return .null }
    return .string(elements.map { $0.asText ?? "null" }.joined(separator: values[1].asText ?? ""))
}

/// The value at a rank of the sorted numbers, between two by linear interpolation.
private func quantile(_ values: [Value]) -> Value {
    guard let elements = values[0].asElements, let rank = values[1].asDouble else { return .null }
    let numbers = elements.compactMap(\.asDouble).sorted { compareJava($0, $1) < 0 }
    guard !numbers.isEmpty, rank >= 0, rank <= 1 else { return .null }
    let position = rank * Double(numbers.count - 1)
    let low = Int(position.rounded(.down))
    let high = min(low + 1, numbers.count - 1)
    return .double(numbers[low] + (position - Double(low)) * (numbers[high] - numbers[low]))
}
