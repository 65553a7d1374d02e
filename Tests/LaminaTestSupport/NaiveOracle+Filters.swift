import LaminaBase
import LaminaQuery

extension NaiveOracle {
    /// A filter's outcome on one row; nil is unknown.
    func truth(_ filter: Filter, _ row: Row, _ segment: MemoryRows) throws(LaminaError) -> Bool? {
        switch filter {
        case .true: return true
        case .false: return false
        case .and(let parts):
            var result: Bool? = true
            for part in parts {
                let one = try truth(part, row, segment)
                if one == false { return false }
                if one == nil { result = nil }
            }
            return result
        case .or(let parts):
            var result: Bool? = false
            for part in parts {
                let one = try truth(part, row, segment)
                if one == true { return true }
                if one == nil { result = nil }
            }
            return result
        case .not(let inner): return try truth(inner, row, segment).map { !$0 }
        case .isTrue(let inner): return try truth(inner, row, segment) == true
        case .isFalse(let inner): return try truth(inner, row, segment) == false
        case .expression(let expression, _):
            let value = try expression.evaluate { (name: String) -> Value in row[name] ?? .null }
            return value.isNull ? nil : value.asBool
        case .columnComparison(let dimensions):
            let lists = dimensions.map { dimension in values(row[dimension.dimension]).map(\.asText) }
            return lists.dropFirst().allSatisfy { list in
                lists[0].contains { one in list.contains { same(one, $0) } }
            }
        case .selector(let name, let value, _):
            return any(row[name]) { one in
                guard let value else { return one.isNull }
                return one.isNull ? nil : equal(one, value)
            }
        case .null(let name): return any(row[name]) { $0.isNull }
        case .in(let name, let list, _):
            return any(row[name]) { one in
                if one.isNull { return list.contains(nil) ? true : nil }
                return list.contains { text in text.map { equal(one, $0) } ?? false }
            }
        case .equals(let name, let type, let value): return any(row[name]) { equal($0, value, type) }
        case .inType(let name, let type, let list):
            return any(row[name]) { one in
                if one.isNull { return list.contains { $0.isNull } ? true : nil }
                return list.contains { equal(one, $0, type) == true }
            }
        case .range(let name, let type, let lower, let upper, let lowerOpen, let upperOpen):
            return any(row[name]) { one in
                if one.isNull { return nil }
                if let lower {
                    let order = compare(one, lower, type)
                    if order < 0 || order == 0 && lowerOpen { return false }
                }
                if let upper {
                    let order = compare(one, upper, type)
                    if order > 0 || order == 0 && upperOpen { return false }
                }
                return true
            }
        case .bound(let name, let lower, let upper, let lowerStrict, let upperStrict, let ordering, _):
            return any(row[name]) { one in
                guard let text = one.asText else { return lower == nil ? true : nil }
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
        case .like(let name, let pattern, _):
            return any(row[name]) { one in
                guard let text = one.asText else { return nil }
                return like(Array(text.unicodeScalars)[...], Array(pattern.pattern.unicodeScalars)[...])
            }
        case .interval(let name, let intervals, _):
            return any(row[name]) { one in
                guard let number = one.asLong else { return nil }
                return intervals.contains { $0.contains(number) }
            }
        default: throw .unsupported("the oracle and this filter")
        }
    }

    /// A row passes when one of its values does; it is unknown when one of them is.
    private func any(_ value: Value?, _ test: (Value) -> Bool?) -> Bool? {
        let outcomes = values(value).map(test)
        if outcomes.contains(true) { return true }
        return outcomes.contains(nil) ? nil : false
    }

    private func same(_ left: String?, _ right: String?) -> Bool {
        guard let left, let right else { return left == nil && right == nil }
        return Array(left.utf8) == Array(right.utf8)
    }

    private func equal(_ value: Value, _ text: String) -> Bool {
        switch value {
        case .long(let number):
            return Double(text).map { Int64(exactly: $0) == number } ?? false || Int64(text) == number
        case .double(let number): return Double(text)?.bitPattern == number.bitPattern
        case .float(let number): return Double(text).map { Float($0).bitPattern == number.bitPattern } ?? false
        default: return same(value.asText, text)
        }
    }

    private func equal(_ value: Value, _ wanted: Value, _ type: ColumnType) -> Bool? {
        if value.isNull { return nil }
        let typed = wanted.cast(to: type)
        switch value {
        case .long(let number): return typed.asDouble.map { $0 == Double(number) && typed.asLong == number } ?? false
        case .double(let number): return typed.asDouble == number
        case .float(let number): return typed.asDouble.map { Float($0) == number } ?? false
        default: return same(value.asText, typed.asText)
        }
    }

    private func compare(_ value: Value, _ bound: Value, _ type: ColumnType) -> Int {
        if !type.isNumeric { return javaCompare(value.asText ?? "", bound.asText ?? "") }
        switch value {
        case .string(let text): return StringOrdering.numeric.compare(text, bound.cast(to: type).asText)
        case .long(let number):
            if case .long(let limit) = bound { return number < limit ? -1 : number == limit ? 0 : 1 }
            return compareJava(Double(number), bound.asDouble ?? 0)
        default: return compareJava(value.asDouble ?? 0, bound.asDouble ?? 0)
        }
    }

    private func like(_ text: ArraySlice<Unicode.Scalar>, _ pattern: ArraySlice<Unicode.Scalar>) -> Bool {
        guard let first = pattern.first else { return text.isEmpty }
        if first == "%" {
            return like(text, pattern.dropFirst()) || !text.isEmpty && like(text.dropFirst(), pattern)
        }
        guard let next = text.first, first == "_" || first == next else { return false }
        return like(text.dropFirst(), pattern.dropFirst())
    }
}
