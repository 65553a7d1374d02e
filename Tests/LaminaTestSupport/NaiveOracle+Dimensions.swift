import LaminaBase
import LaminaQuery

/// Dimension specs, extraction functions and searches.
extension NaiveOracle {
    func outputName(_ dimension: JSON) -> String {
        if let name = dimension.stringValue { return name }
        if let inner = dimension["delegate"] { return outputName(inner) }
        return dimension["outputName"]?.stringValue ?? dimension["dimension"]?.stringValue ?? ""
    }

    func outputType(_ dimension: JSON) -> ColumnType {
        if let inner = dimension["delegate"] { return outputType(inner) }
        return dimension["outputType"]?.stringValue.flatMap { ColumnType(signature: $0) } ?? .string
    }

    func column(_ dimension: JSON) -> String {
        if let name = dimension.stringValue { return name }
        return dimension["delegate"].map(column) ?? dimension["dimension"]?.stringValue ?? ""
    }

    /// The key values of a row, one for each of its values.
    ///
    /// - Parameter emptyIsNull: whether a row without values, or whose values a filtered dimension drops, counts as null.
    func keys(
        _ dimension: JSON,
        _ row: Row,
        _ types: [String: ColumnType],
        emptyIsNull: Bool = true
    ) throws -> [Value] {
        let name = column(dimension)
        let type = outputType(dimension)
        if case .array = type { return [(row[name] ?? .null).cast(to: type)] }
        // A row without values never comes to the function of an extraction.
        if case .array([])? = row[name] { return emptyIsNull ? [.null] : [] }
        let kept = try valuesOf(row[name]).compactMap { try mapped(dimension, $0, isTime: name == "__time") }
        return (kept.isEmpty && emptyIsNull ? [.null] : kept).map { $0.cast(to: type) }
    }

    private func mapped(_ dimension: JSON, _ value: Value, isTime: Bool) throws -> Value? {
        switch dimension["type"]?.stringValue ?? "default" {
        case "extraction":
            let function = dimension["extractionFn"] ?? .null
            return try extract(function, value, isTime: isTime).map(Value.string) ?? .null
        case "lookup":
            return try extract(dimension, value, isTime: isTime).map(Value.string) ?? .null
        case "listFiltered":
            guard let inner = try mapped(dimension["delegate"] ?? .null, value, isTime: isTime) else { return nil }
            let listed = (dimension["values"]?.arrayValue ?? []).contains { sameBytes($0.stringValue, inner.asText) }
            return listed == (dimension["isWhitelist"]?.boolValue ?? true) ? inner : nil
        case "prefixFiltered":
            guard let inner = try mapped(dimension["delegate"] ?? .null, value, isTime: isTime) else { return nil }
            let prefix = Array((dimension["prefix"]?.stringValue ?? "").utf8)
            return inner.asText.map { Array($0.utf8).starts(with: prefix) } ?? false ? inner : nil
        case "regexFiltered":
            guard let inner = try mapped(dimension["delegate"] ?? .null, value, isTime: isTime) else { return nil }
            let regex = try Regex("^(?:\(dimension["pattern"]?.stringValue ?? ""))$")
            return inner.asText.map { regex.isFound(in: $0) } ?? false ? inner : nil
        default: return value
        }
    }

    /// The texts of a dimension on a row, as comparisons and searches see them.
    func texts(of dimension: JSON, _ row: Row, _ types: [String: ColumnType]) throws -> [String?] {
        try keys(dimension, row, types).map(\.asText)
    }

    /// An extraction function on a value: on numbers, `__time` too, it sees their text.
    func extract(_ function: JSON, _ value: Value, isTime: Bool) throws -> String? {
        let type = function["type"]?.stringValue ?? ""
        if type == "timeFormat" {
            guard let time = value.asLong, isTime || value.columnType == .long else { return nil }
            let zone = try function["timeZone"]?.stringValue.map { try TimeZoneRules.named($0) } ?? .utc
            let granularity = try function["granularity"].map { try Granularity(json: $0) } ?? Granularity.none
            let start = granularity.isNone || granularity.isAll ? time : granularity.bucketStart(time)
            guard let format = function["format"]?.stringValue else {
                return function["asMillis"]?.boolValue == true ? String(start) : instantText(start, zone: zone)
            }
            return try JodaPattern(format).format(start, zone: zone)
        }
        if type == "cascade" {
            var text: Value = value
            var first = true
            for inner in function["extractionFns"]?.arrayValue ?? [] {
                text = try extract(inner, text, isTime: isTime && first).map(Value.string) ?? .null
                first = false
            }
            return text.asText
        }
        return try extract(type, function, value.asText)
    }

    private func extract(_ type: String, _ function: JSON, _ text: String?) throws -> String? {
        switch type {
        case "upper": return text?.uppercased()
        case "lower": return text?.lowercased()
        case "identity": return text
        case "strlen": return text.map { String($0.utf16.count) }
        case "substring":
            guard let text else { return nil }
            let start = Int(function["index"]?.intValue ?? 0)
            let units = Array(text.utf16)
            guard start < units.count || start == 0 && !units.isEmpty else { return nil }
            let rest = units[start...]
            let length = function["length"]?.intValue.map { Int($0) }
            return String(decoding: length.map { rest.prefix($0) } ?? rest, as: UTF16.self)
        case "partial":
            let regex = try Regex(function["expr"]?.stringValue ?? "")
            return text.flatMap { regex.isFound(in: $0) ? $0 : nil }
        case "regex":
            let regex = try Regex(function["expr"]?.stringValue ?? "")
            let group = Int(function["index"]?.intValue ?? 1)
            if let text, let found = regex.firstMatch(in: text, group: group) { return found }
            guard function["replaceMissingValue"]?.boolValue == true else { return text }
            return function["replaceMissingValueWith"]?.stringValue
        case "searchQuery": return try found(function["query"] ?? .null, text) ? text : nil
        case "lookup", "registeredLookup":
            var map: [String: String] = [:]
            if let registered = function["name"]?.stringValue ?? function["lookup"]?.stringValue {
                map = lookups[registered] ?? [:]
            } else {
                for (key, value) in function["lookup"]?["map"]?.objectValue?.entries ?? [] {
                    map[key] = value.stringValue
                }
            }
            if let text, let found = map.first(where: { sameBytes($0.key, text) }) { return found.value }
            if function["retainMissingValue"]?.boolValue == true { return text }
            return function["replaceMissingValueWith"]?.stringValue
        case "stringFormat":
            let format = function["format"]?.stringValue ?? ""
            guard let text else {
                switch function["nullHandling"]?.stringValue ?? "nullString" {
                case "returnNull": return nil
                case "emptyString": return replacing(format, "")
                default: return replacing(format, "null")
                }
            }
            return replacing(format, text)
        case "bucket":
            guard let number = Value.optional(text).asDouble else { return nil }
            let size = function["size"]?.doubleValue ?? 1
            let offset = function["offset"]?.doubleValue ?? 0
            let start = ((number - offset) / size).rounded(.down) * size + offset
            return start == start.rounded() && abs(start) < 0x1p63
                ? String(Int64(start)) : Value.double(start).asText
        default: throw Unknown("extraction functions of type \(type)")
        }
    }

    /// The one `%s` of a format replaced.
    private func replacing(_ format: String, _ text: String) -> String {
        guard let index = format.firstIndex(of: "%") else { return format }
        return format[..<index] + text + format[format.index(index, offsetBy: 2)...]
    }

    /// Whether a search accepts a value; null only when it accepts all.
    func found(_ query: JSON, _ text: String?) throws -> Bool {
        let type = query["type"]?.stringValue ?? ""
        if type == "all" { return true }
        guard let text else { return false }
        let isExact = query["caseSensitive"]?.boolValue ?? false
        func has(_ part: String) -> Bool {
            let whole = Array((isExact ? text : text.lowercased()).utf8)
            let wanted = Array((isExact ? part : part.lowercased()).utf8)
            if wanted.isEmpty { return true }
            return whole.indices.contains { whole[$0...].starts(with: wanted) }
        }
        switch type {
        case "contains": return has(query["value"]?.stringValue ?? "")
        case "insensitive_contains":
            let lowered = Array(text.lowercased().utf8)
            let wanted = Array((query["value"]?.stringValue ?? "").lowercased().utf8)
            return wanted.isEmpty || lowered.indices.contains { lowered[$0...].starts(with: wanted) }
        case "fragment": return (query["values"]?.arrayValue ?? []).allSatisfy { has($0.stringValue ?? "") }
        case "regex": return try Regex(query["pattern"]?.stringValue ?? "").isFound(in: text)
        default: throw Unknown("searches of type \(type)")
        }
    }
}

extension Value {
    static func optional(_ text: String?) -> Value { text.map(Value.string) ?? .null }
}
