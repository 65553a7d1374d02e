import LaminaBase
import LaminaQuery

/// Filters on one row, in three-valued logic: nil is unknown.
extension NaiveOracle {
    func truth(_ filter: JSON, _ row: Row, _ types: [String: ColumnType]) throws -> Bool? {
        switch filter["type"]?.stringValue {
        case "true": return true
        case "false": return false
        case "and":
            let parts = try (filter["fields"]?.arrayValue ?? []).map { try truth($0, row, types) }
            return parts.contains(false) ? false : parts.contains(nil) ? nil : true
        case "or":
            let parts = try (filter["fields"]?.arrayValue ?? []).map { try truth($0, row, types) }
            return parts.contains(true) ? true : parts.contains(nil) ? nil : false
        case "not": return try truth(filter["field"] ?? .null, row, types).map { !$0 }
        case "istrue": return try truth(filter["field"] ?? .null, row, types) == true
        case "isfalse": return try truth(filter["field"] ?? .null, row, types) == false
        case "expression":
            let expression = try parse(filter["expression"]?.stringValue ?? "")
            let value = try value(of: expression, row, types)
            if case .array(let elements) = value { return elements.contains { $0.asBool } }
            return value.isNull ? nil : value.asBool
        case "columnComparison":
            let lists = try (filter["dimensions"]?.arrayValue ?? []).map { try texts(of: $0, row, types) }
            return lists.dropFirst().allSatisfy { list in
                lists[0].contains { one in list.contains { sameBytes(one, $0) } }
            }
        case "arrayContainsElement": return try contains(filter, row, types)
        default: return try leaf(filter, row, types)
        }
    }

    /// A row passes when one of its values does; it is unknown when none does and one of them is.
    private func any(_ values: [Value], _ test: (Value) throws -> Bool?) rethrows -> Bool? {
        let outcomes = try values.map(test)
        if outcomes.contains(true) { return true }
        return outcomes.contains(nil) ? nil : false
    }

    /// Conditions on the values of one column.
    private func leaf(_ filter: JSON, _ row: Row, _ types: [String: ColumnType]) throws -> Bool? {
        let name = filter["dimension"]?.stringValue ?? filter["column"]?.stringValue ?? ""
        let isArray = if case .array? = types[name] { true } else { false }
        let raw = row[name] ?? .null
        let isExtracted = filter["extractionFn"].map { !$0.isNull } ?? false
        if types[name]?.isNumeric ?? false, raw.isNull, !(isExtracted && filter["type"] == "selector") {
            return onNullNumber(filter, isLong: types[name] == .long, isExtracted: isExtracted)
        }
        var values = isArray ? [raw] : valuesOf(raw)
        // Nested values are null to all conditions but the one that asks for null.
        if types[name] == .complex("json"), filter["type"] != "null" { values = [.null] }
        if let function = filter["extractionFn"], !function.isNull {
            values = try values.map { try extract(function, $0, isTime: name == "__time").map(Value.string) ?? .null }
        }
        switch filter["type"]?.stringValue {
        case "null": return values.contains { $0.isNull }
        case "selector":
            guard let wanted = filter["value"], !wanted.isNull else { return values.contains { $0.isNull } }
            let text = scalar(wanted).asText ?? ""
            return any(values) { $0.isNull ? nil : equal($0, text) }
        case "in":
            let list = filter["values"]?.arrayValue ?? []
            if list.isEmpty { return false }
            return any(values) { one in
                if one.isNull { return list.contains { $0.isNull } ? true : nil }
                return list.contains { !$0.isNull && equal(one, scalar($0).asText ?? "") }
            }
        case "equals": return any(values) { $0.isNull ? nil : equal($0, typed(filter, "matchValue")) }
        case "range": return try any(values) { $0.isNull ? nil : try inRange($0, filter) }
        case "bound": return try any(values) { try inBound($0, filter) }
        case "like":
            let pattern = Array((filter["pattern"]?.stringValue ?? "").unicodeScalars)[...]
            let escape = filter["escape"]?.stringValue?.unicodeScalars.first
            return any(values) { $0.asText.map { like(Array($0.unicodeScalars)[...], pattern, escape) } }
        case "regex":
            let regex = try Regex(filter["pattern"]?.stringValue ?? "")
            return any(values) { $0.asText.map { regex.isFound(in: $0) } }
        case "search":
            let query = filter["query"] ?? .null
            return try any(values) { one in
                if one.isNull { return query["type"]?.stringValue == "all" ? true : nil }
                return try found(query, one.asText)
            }
        case "interval":
            let intervals = try (filter["intervals"]?.arrayValue ?? [filter["intervals"] ?? .null]).map {
                try Interval(parsing: $0.stringValue ?? "")
            }
            return any(values) { one in
                guard let number = one.asDouble else { return false }
                if case .long(let exact) = one { return intervals.contains { $0.contains(exact) } }
                return intervals.contains { Double($0.start) <= number && number < Double($0.end) }
            }
        case let other: throw Unknown("filters of type \(other ?? "")")
        }
    }

    /// A null row of a column of numbers. Predicates never see it; one text that is no number stands for null.
    private func onNullNumber(_ filter: JSON, isLong: Bool, isExtracted: Bool) -> Bool? {
        switch filter["type"]?.stringValue {
        case "null": return true
        case "selector", "in":
            var texts: [String] = []
            for json in filter["values"]?.arrayValue ?? [filter["value"] ?? .null] {
                guard let text = scalar(json).asText else { return isExtracted ? nil : true }
                if !texts.contains(where: { sameBytes($0, text) }) { texts.append(text) }
            }
            if texts.isEmpty { return false }
            guard !isExtracted, texts.count == 1, let text = texts.first else { return nil }
            let number = Value.string(text).asDouble
            let isNumber = isLong ? Int64(text) != nil || number.flatMap { Int64(exactly: $0) } != nil : number != nil
            return isNumber ? nil : true
        default: return nil
        }
    }

    /// A literal of a filter in the type it declares.
    private func typed(_ filter: JSON, _ key: String) -> Value {
        let type = filter["matchValueType"]?.stringValue.flatMap { ColumnType(signature: $0) } ?? .string
        return scalar(filter[key] ?? .null).cast(to: type)
    }

    private func scalar(_ json: JSON) -> Value {
        switch json {
        case .null: .null
        case .bool(let flag): .string(flag ? "true" : "false")
        case .int(let number): .long(number)
        case .double(let number): .double(number)
        case .string(let text): .string(text)
        case .array(let items): .array(items.map(scalar))
        case .object: .json(json)
        }
    }

    /// A text against a value: to numbers it is the number it writes.
    private func equal(_ value: Value, _ text: String) -> Bool {
        switch value {
        case .long(let number):
            return Int64(text) == number || Value.string(text).asDouble.map { Int64(exactly: $0) == number } ?? false
        case .double(let number): return Value.string(text).asDouble.map { doubleOrder($0, number) == 0 } ?? false
        case .float(let number):
            return Value.string(text).asDouble.map { doubleOrder(Double(Float($0)), Double(number)) == 0 } ?? false
        default: return sameBytes(value.asText, text)
        }
    }

    /// A typed literal against a value, where nothing is lost on the way to the value's type.
    private func equal(_ value: Value, _ wanted: Value) -> Bool {
        switch (value, wanted) {
        case (.array(let one), .array(let two)):
            return one.count == two.count
                && zip(one, two).allSatisfy { $0.isNull || $1.isNull ? $0.isNull && $1.isNull : equal($0, $1) }
        case (.array(let one), _): return one.count == 1 && !one[0].isNull && equal(one[0], wanted)
        case (_, .array(let two)): return two.count == 1 && !two[0].isNull && equal(value, two[0])
        default: break
        }
        switch value {
        case .long(let number):
            guard let double = wanted.asDouble, let long = wanted.asLong else { return false }
            return long == number && double == Double(number)
        case .double(let number): return wanted.asDouble.map { doubleOrder($0, number) == 0 } ?? false
        case .float(let number):
            return wanted.asDouble.map { doubleOrder(Double(Float($0)), Double(number)) == 0 } ?? false
        default: return sameBytes(value.asText, wanted.asText)
        }
    }

    private func contains(_ filter: JSON, _ row: Row, _ types: [String: ColumnType]) throws -> Bool? {
        let type = filter["elementMatchValueType"]?.stringValue.flatMap { ColumnType(signature: $0) } ?? .string
        let element = scalar(filter["elementMatchValue"] ?? .null).cast(to: type)
        let raw = row[filter["column"]?.stringValue ?? ""] ?? .null
        if raw.isNull { return nil }
        guard case .array(let elements) = raw else { return !element.isNull && equal(raw, element) }
        return elements.contains { $0.isNull || element.isNull ? $0.isNull && element.isNull : equal($0, element) }
    }

    /// Between typed bounds, compared in their type.
    private func inRange(_ value: Value, _ filter: JSON) throws -> Bool {
        let isNumeric = ["LONG", "DOUBLE", "FLOAT"].contains(filter["matchValueType"]?.stringValue ?? "STRING")
        func order(_ bound: Value) throws -> Int {
            if case .array = bound { return naturalOrder(value, bound) }
            guard isNumeric else { return utf16Order(value.asText ?? "", bound.asText ?? "") }
            switch value {
            case .string(let text): return try textOrder("numeric", text, bound.asText)
            case .long(let number):
                if case .long(let limit) = bound { return number < limit ? -1 : number == limit ? 0 : 1 }
                return exactOrder(number, bound.asDouble ?? 0)
            default: return doubleOrder(value.asDouble ?? 0, bound.asDouble ?? 0)
            }
        }
        if let json = filter["lower"], !json.isNull {
            let order = try order(typed(filter, "lower"))
            if order < 0 || order == 0 && filter["lowerOpen"]?.boolValue == true { return false }
        }
        if let json = filter["upper"], !json.isNull {
            let order = try order(typed(filter, "upper"))
            if order > 0 || order == 0 && filter["upperOpen"]?.boolValue == true { return false }
        }
        return true
    }

    /// A long against a double without rounding the long.
    private func exactOrder(_ number: Int64, _ bound: Double) -> Int {
        if bound.isNaN || bound >= 0x1p63 { return -1 }
        if bound < -0x1p63 { return 1 }
        let whole = Int64(bound.rounded(.down))
        if number != whole { return number < whole ? -1 : 1 }
        return bound > Double(whole) ? -1 : 0
    }

    /// Druid's older range: texts in an ordering; null passes without a lower bound.
    private func inBound(_ value: Value, _ filter: JSON) throws -> Bool? {
        let lower = filter["lower"].flatMap { scalar($0).asText }
        let upper = filter["upper"].flatMap { scalar($0).asText }
        guard let text = value.asText else {
            return lower == nil
                ? true : filter["ordering"]?.stringValue ?? "lexicographic" == "lexicographic" ? nil : false
        }
        func order(_ bound: String) throws -> Int {
            if filter["ordering"]?.stringValue == "numeric", let limit = Value.string(bound).asDouble {
                switch value {
                case .long(let number): return exactOrder(number, limit)
                case .double, .float: return doubleOrder(value.asDouble ?? 0, limit)
                default: break
                }
            }
            return try textOrder(filter["ordering"], text, bound)
        }
        if let lower {
            let order = try order(lower)
            if order < 0 || order == 0 && filter["lowerStrict"]?.boolValue == true { return false }
        }
        if let upper {
            let order = try order(upper)
            if order > 0 || order == 0 && filter["upperStrict"]?.boolValue == true { return false }
        }
        return true
    }

    private func like(
        _ text: ArraySlice<Unicode.Scalar>,
        _ pattern: ArraySlice<Unicode.Scalar>,
        _ escape: Unicode.Scalar?
    ) -> Bool {
        guard let first = pattern.first else { return text.isEmpty }
        if let escape, first == escape, let next = pattern.dropFirst().first {
            return text.first == next && like(text.dropFirst(), pattern.dropFirst(2), escape)
        }
        if first == "%" {
            return like(text, pattern.dropFirst(), escape) || !text.isEmpty && like(text.dropFirst(), pattern, escape)
        }
        guard let next = text.first, first == "_" || first == next else { return false }
        return like(text.dropFirst(), pattern.dropFirst(), escape)
    }
}
