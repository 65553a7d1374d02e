import LaminaBase

/// One JSON object being decoded, with its place for error messages. Scalars are read with Jackson's leniency: numbers
/// and booleans may be texts, texts may be numbers; unknown keys are ignored.
struct Fields {
    let object: JSONObject
    /// `query.aggregations[0]`, for messages.
    let path: String

    init(_ json: JSON, at path: String) throws(LaminaError) {
        guard case .object(let object) = json else {
            throw .invalidInput("\(path) must be a JSON object, not \(Self.shown(json))", context: ["path": path])
        }
        self.object = object
        self.path = path
    }

    static func shown(_ json: JSON) -> String { String(json.text.prefix(80)) }

    func fail(_ message: String) -> LaminaError { .invalidInput("\(path): \(message)", context: ["path": path]) }

    private func wrong(_ key: String, _ wanted: String, _ value: JSON) -> LaminaError {
        .invalidInput(
            "\(path).\(key) must be \(wanted), not \(Self.shown(value))",
            context: ["path": "\(path).\(key)"]
        )
    }

    /// The value of a key; nil when absent or null.
    subscript(key: String) -> JSON? {
        guard let value = object[key], !value.isNull else { return nil }
        return value
    }

    func place(_ key: String) -> String { "\(path).\(key)" }

    func required(_ key: String) throws(LaminaError) -> JSON {
        guard let value = self[key] else {
            throw .invalidInput("\(path).\(key) is required", context: ["path": "\(path).\(key)"])
        }
        return value
    }

    func string(_ key: String) throws(LaminaError) -> String? {
        guard let value = self[key] else { return nil }
        guard let text = scalarText(value) else { throw wrong(key, "a text", value) }
        return text
    }

    func requiredString(_ key: String) throws(LaminaError) -> String {
        let value = try required(key)
        guard let text = scalarText(value) else { throw wrong(key, "a text", value) }
        return text
    }

    func bool(_ key: String, default standard: Bool) throws(LaminaError) -> Bool {
        guard let value = self[key] else { return standard }
        switch value {
        case .bool(let flag): return flag
        case .int(let number): return number != 0
        case .string(let text):
            switch text.lowercased() {
            case "true": return true
            case "false", "": return false
            default: throw wrong(key, "true or false", value)
            }
        default: throw wrong(key, "true or false", value)
        }
    }

    func int(_ key: String) throws(LaminaError) -> Int64? {
        guard let value = self[key] else { return nil }
        switch value {
        case .int(let number): return number
        case .double(let number):
            guard let whole = Int64(exactly: number.rounded(.towardZero)) else {
                throw wrong(key, "a whole number", value)
            }
            return whole
        case .string(let text):
            guard let number = Int64(text.trimmingSpaces) else { throw wrong(key, "a whole number", value) }
            return number
        default: throw wrong(key, "a whole number", value)
        }
    }

    func int(_ key: String, default standard: Int64) throws(LaminaError) -> Int64 { try int(key) ?? standard }

    func double(_ key: String) throws(LaminaError) -> Double? {
        guard let value = self[key] else { return nil }
        if let number = value.doubleValue { return number }
        if let text = value.stringValue, let number = parseJavaDouble(text.trimmingSpaces) { return number }
        throw wrong(key, "a number", value)
    }

    /// A number kept as it is written (whole or not).
    func number(_ key: String) throws(LaminaError) -> JSON? {
        guard let value = self[key] else { return nil }
        switch value {
        case .int, .double: return value
        case .string(let text):
            if let whole = Int64(text.trimmingSpaces) { return .int(whole) }
            if let number = parseJavaDouble(text.trimmingSpaces) { return .double(number) }
            throw wrong(key, "a number", value)
        default: throw wrong(key, "a number", value)
        }
    }

    func array(_ key: String) throws(LaminaError) -> [JSON]? {
        guard let value = self[key] else { return nil }
        guard let items = value.arrayValue else { throw wrong(key, "a list", value) }
        return items
    }

    /// A list of texts, null among them allowed.
    func strings(_ key: String) throws(LaminaError) -> [String?]? {
        guard let items = try array(key) else { return nil }
        var texts: [String?] = []
        texts.reserveCapacity(items.count)
        for item in items {
            if item.isNull {
                texts.append(nil)
            } else {
                guard let text = scalarText(item) else { throw wrong(key, "a list of texts", item) }
                texts.append(text)
            }
        }
        return texts
    }

    /// A list of texts without null.
    func names(_ key: String) throws(LaminaError) -> [String]? {
        guard let texts = try strings(key) else { return nil }
        var names: [String] = []
        for text in texts {
            guard let text else { throw wrong(key, "a list of texts without null", .null) }
            names.append(text)
        }
        return names
    }

    /// A native type by its signature; nil when absent, or no type's.
    func type(_ key: String) throws(LaminaError) -> ColumnType? {
        try string(key).flatMap(ColumnType.init(signature:))
    }

    func requiredType(_ key: String) throws(LaminaError) -> ColumnType {
        let json = try required(key)
        guard let type = try type(key) else { throw wrong(key, "a type", json) }
        return type
    }
}

/// A JSON scalar as Jackson makes a `String` of it; nil for objects, arrays and null.
func scalarText(_ json: JSON) -> String? {
    switch json {
    case .string(let text): text
    case .int(let number): String(number)
    case .double(let number): javaText(number)
    case .bool(let flag): flag ? "true" : "false"
    case .null, .array, .object: nil
    }
}

extension String {
    var trimmingSpaces: String {
        var text = Substring(self)
        while let first = text.first, first.isWhitespace { text = text.dropFirst() }
        while let last = text.last, last.isWhitespace { text = text.dropLast() }
        return String(text)
    }
}
