import LaminaBase

/// Pattern matching. Source: `LikeExprMacro`, `RegexpExtractExprMacro`, `RegexpLikeExprMacro`,
/// `RegexpReplaceExprMacro`, `ContainsExprMacro`, `CaseInsensitiveContainsExprMacro`.
let patternFunctions: [ExpressionFunction] = [
    ExpressionFunction("like", 2...3, type: always(.long), .prepared(prepareLike)),
    ExpressionFunction("regexp_like", 2...2, type: always(.long), .prepared(prepareRegexpLike)),
    ExpressionFunction("regexp_extract", 2...3, type: always(.string), .prepared(prepareRegexpExtract)),
    ExpressionFunction("regexp_replace", 3...3, type: always(.string), .prepared(prepareRegexpReplace)),
    ExpressionFunction(
        "contains_string",
        2...2,
        type: always(.long),
        .prepared { arguments throws(LaminaError) in
            try prepareContains(arguments, caseSensitive: true)
        }
    ),
    ExpressionFunction(
        "icontains_string",
        2...2,
        type: always(.long),
        .prepared { arguments throws(LaminaError) in
            try prepareContains(arguments, caseSensitive: false)
        }
    ),
]

private func prepareLike(_ arguments: PreparedArguments) throws(LaminaError) -> ExpressionFunction.StrictBody {
    guard let text = try arguments.text(1, "pattern") else { return { _ in .null } }
    let escape = try arguments.text(2, "escape")
    guard escape.map({ $0.count <= 1 }) ?? true else { throw .invalidInput("the escape must be one character") }
    let pattern = LikePattern(text, escape: escape?.first)
    return { values in values[0].asText.map { .long(pattern.matches($0) ? 1 : 0) } ?? .null }
}

private func prepareRegexpLike(_ arguments: PreparedArguments) throws(LaminaError) -> ExpressionFunction.StrictBody {
    guard let text = try arguments.text(1, "pattern") else { return { _ in .null } }
    let regex = try Regex(text)
    return { values in values[0].asText.map { .long(regex.isFound(in: $0) ? 1 : 0) } ?? .null }
}

private func prepareRegexpExtract(_ arguments: PreparedArguments) throws(LaminaError) -> ExpressionFunction.StrictBody {
    guard let text = try arguments.text(1, "pattern") else { return { _ in .null } }
    let regex = try Regex(text)
    let group: Int
    if arguments.count > 2 {
        guard let number = arguments.literal(2)?.asLong else {
            throw .invalidInput("the group must be a literal number")
        }
        group = Int(clamping: number)
    } else {
        group = 0
    }
    guard group >= 0, group <= regex.groupCount else {
        throw .invalidInput("'\(text)' has no group \(group)")
    }
    return { values in
        guard let subject = values[0].asText, let found = regex.firstMatch(in: subject, group: group) else {
            return .null
        }
        return found.map(Value.string) ?? .null
    }
}

private func prepareRegexpReplace(_ arguments: PreparedArguments) throws(LaminaError) -> ExpressionFunction.StrictBody {
    if let pattern = arguments.literal(1), let replacement = arguments.literal(2) {
        guard let pattern = pattern.asText, let replacement = replacement.asText else { return { _ in .null } }
        let regex = try Regex(pattern)
        let parts = try RegexReplacement(replacement, for: regex)
        return { values in values[0].asText.map { .string(regex.replacingAll(in: $0, with: parts)) } ?? .null }
    }
    return { values throws(LaminaError) in
        guard let text = values[0].asText, let pattern = values[1].asText, let replacement = values[2].asText else {
            return .null
        }
        let regex = try Regex(pattern)
        return .string(regex.replacingAll(in: text, with: try RegexReplacement(replacement, for: regex)))
    }
}

private func prepareContains(
    _ arguments: PreparedArguments,
    caseSensitive: Bool
) throws(LaminaError) -> ExpressionFunction.StrictBody {
    guard let part = try arguments.text(1, "second") else { return { _ in .null } }
    return { values in
        values[0].asText.map { .long(textContains($0, part, caseSensitive: caseSensitive) ? 1 : 0) } ?? .null
    }
}
