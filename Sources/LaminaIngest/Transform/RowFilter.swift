import LaminaBase
import LaminaQuery
import LaminaSketches

/// A filter over the fields of one input row, in three-valued logic; values compare as Druid's row-based selectors compare them.
///
/// Row by row: filters on ingestion are rare, and whatever passes costs far more afterwards.
struct RowFilter: Sendable {
    private let filter: Filter
    let fields: [String]

    init(_ filter: Filter) throws(LaminaError) {
        self.filter = filter
        fields = try rowFilterFields(filter)
    }

    /// - Errors: those of expressions in the filter.
    func passes(row: Int, time: Int64, fields: [String: FieldView]) throws(LaminaError) -> Bool {
        try RowFilterEvaluation(row: row, time: time, fields: fields).evaluate(filter) == true
    }
}

/// The fields a filter reads; refuses what cannot be asked of an input row.
func rowFilterFields(_ filter: Filter) throws(LaminaError) -> [String] {
    switch filter {
    case .true, .false: return []
    case .and(let parts), .or(let parts):
        var out: [String] = []
        for part in parts { out.append(contentsOf: try rowFilterFields(part)) }
        return out
    case .not(let inner), .isTrue(let inner), .isFalse(let inner): return try rowFilterFields(inner)
    case .selector(let name, _, _), .bound(let name, _, _, _, _, _, _), .in(let name, _, _), .like(let name, _, _),
        .regex(let name, _, _), .search(let name, _, _), .interval(let name, _, _), .equals(let name, _, _),
        .null(let name), .bloom(let name, _, _), .spatial(let name, _),
        .range(let name, _, _, _, _, _), .inType(let name, _, _), .arrayContainsElement(let name, _, _):
        return [name]
    case .columnComparison: throw .unsupported("transformSpec.filter of type columnComparison")
    case .expression(let expression, let virtual):
        guard virtual.isEmpty else { throw .unsupported("transformSpec.filter with virtual columns") }
        return expression.requiredColumns
    }
}

/// One row under a filter.
private struct RowFilterEvaluation {
    let row: Int
    let time: Int64
    let fields: [String: FieldView]

    func evaluate(_ filter: Filter) throws(LaminaError) -> Bool? {
        switch filter {
        case .true: return true
        case .false: return false
        case .and(let parts): return try conjunction(parts)
        case .or(let parts): return try disjunction(parts)
        case .not(let inner): return try evaluate(inner).map { !$0 }
        case .isTrue(let inner): return try evaluate(inner) == true
        case .isFalse(let inner): return try evaluate(inner) == false
        case .null(let name): return value(name) == .null
        case .expression(let expression, _): return try expressionTruth(expression)
        default: return evaluateField(filter)
        }
    }

    private func conjunction(_ parts: [Filter]) throws(LaminaError) -> Bool? {
        var unknown = false
        for part in parts {
            guard let truth = try evaluate(part) else {
                unknown = true
                continue
            }
            if !truth { return false }
        }
        return unknown ? nil : true
    }

    private func disjunction(_ parts: [Filter]) throws(LaminaError) -> Bool? {
        var unknown = false
        for part in parts {
            guard let truth = try evaluate(part) else {
                unknown = true
                continue
            }
            if truth { return true }
        }
        return unknown ? nil : false
    }

    private func expressionTruth(_ expression: Expression) throws(LaminaError) -> Bool? {
        var columns: [Value] = []
        for name in expression.requiredColumns { columns.append(value(name)) }
        let result = try expression.evaluate(columns: columns)
        if case .null = result { return nil }
        return result.asBool
    }

    private func evaluateField(_ filter: Filter) -> Bool? {
        switch filter {
        case .selector(let name, let wanted, let extraction):
            return matchText(name, extraction, nullMatches: wanted == nil) { $0 == wanted }
        case .in(let name, let wanted, let extraction):
            return matchText(name, extraction, nullMatches: wanted.contains(nil)) { wanted.contains($0) }
        case .like(let name, let pattern, let extraction):
            return matchText(name, extraction, nullMatches: false) { $0.map { pattern.matches($0) } ?? false }
        case .regex(let name, let pattern, let extraction):
            return matchText(name, extraction, nullMatches: false) { $0.map { pattern.isFound(in: $0) } ?? false }
        case .search(let name, let search, let extraction):
            return matchText(name, extraction, nullMatches: false) { search.accepts($0) }
        case .bloom(let name, let filter, let extraction):
            return matchText(name, extraction, nullMatches: filter.mayContainNull()) { text in
                text.map { filter.mayContain($0) } ?? filter.mayContainNull()
            }
        case .bound(let name, let lower, let upper, let lowerStrict, let upperStrict, let ordering, let extraction):
            return matchText(name, extraction, nullMatches: lower == nil) { text in
                guard let text else { return lower == nil }
                if let lower {
                    let order = ordering.compare(text, lower)
                    if order < 0 || order == 0 && lowerStrict { return false }
                }
                if let upper {
                    let order = ordering.compare(text, upper)
                    if order > 0 || order == 0 && upperStrict { return false }
                }
                return true
            }
        case .spatial(let name, let bound):
            return matchText(name, nil, nullMatches: false) { $0.map { bound.contains($0) } ?? false }
        case .interval(let name, let intervals, let extraction):
            return matchText(name, extraction, nullMatches: false) { text in
                guard let instant = text.flatMap({ Int64($0) }) else { return false }
                return intervals.contains { $0.contains(instant) }
            }
        default: return evaluateTyped(filter)
        }
    }

    private func evaluateTyped(_ filter: Filter) -> Bool? {
        switch filter {
        case .equals(let name, let type, let wanted): return matchValue(name, type) { compare($0, wanted, type) == 0 }
        case .inType(let name, let type, let wanted):
            return matchValue(name, type) { value in wanted.contains { compare(value, $0, type) == 0 } }
        case .range(let name, let type, let lower, let upper, let lowerOpen, let upperOpen):
            return matchValue(name, type) { value in
                if let lower {
                    guard let order = compare(value, lower, type) else { return false }
                    if order < 0 || order == 0 && lowerOpen { return false }
                }
                if let upper {
                    guard let order = compare(value, upper, type) else { return false }
                    if order > 0 || order == 0 && upperOpen { return false }
                }
                return true
            }
        case .arrayContainsElement(let name, let type, let wanted):
            guard case .array(let elements) = value(name) else {
                return matchValue(name, type) { compare($0, wanted, type) == 0 }
            }
            return elements.contains { compare($0.cast(to: type), wanted, type) == 0 }
        default: return nil
        }
    }

    private func value(_ name: String) -> Value {
        name == "__time" ? .long(time) : fields[name]?.value(row) ?? .null
    }

    /// Any of the row's texts decides; a row without any is null.
    private func matchText(
        _ name: String,
        _ extraction: ExtractionFunction?,
        nullMatches: Bool,
        _ matches: (String?) -> Bool
    ) -> Bool? {
        var texts: [String?] = []
        if name == "__time" {
            texts = [String(time)]
        } else if let field = fields[name] {
            if field.kinds[row] == FieldKind.json, case .array(let elements) = field.json(row) {
                texts = elements.map { $0.isNull ? nil : javaString(of: $0) }
            } else {
                texts = [field.javaString(row)]
            }
        }
        if texts.isEmpty { texts = [nil] }
        if let extraction { texts = texts.map { extraction.apply($0) } }
        var unknown = false
        for text in texts {
            if text == nil {
                if nullMatches { return true }
                unknown = true
            } else if matches(text) {
                return true
            }
        }
        return unknown ? nil : false
    }

    private func matchValue(_ name: String, _ type: ColumnType, _ matches: (Value) -> Bool) -> Bool? {
        let found = value(name)
        if case .null = found { return nil }
        if case .array(let elements) = found, !isArray(type) {
            return elements.contains { element in
                let typed = element.cast(to: type)
                return typed != .null && matches(typed)
            }
        }
        let typed = found.cast(to: type)
        // What does not convert equals nothing.
        if case .null = typed { return false }
        return matches(typed)
    }

    private func isArray(_ type: ColumnType) -> Bool { if case .array = type { true } else { false } }

    private func compare(_ left: Value, _ right: Value, _ type: ColumnType) -> Int? {
        switch type {
        case .string:
            guard let a = left.asText, let b = right.asText else { return nil }
            return javaCompare(a, b)
        case .long:
            guard case .long(let a) = left.cast(to: .long), case .long(let b) = right.cast(to: .long) else {
                return nil
            }
            return a < b ? -1 : a > b ? 1 : 0
        case .double, .float:
            guard let a = left.asDouble, let b = right.asDouble else { return nil }
            return a < b ? -1 : a > b ? 1 : 0
        default: return left == right ? 0 : nil
        }
    }
}
