package import LaminaBase

/// A piece of a spec together with its JSON path, read with the leniency of Druid's Jackson: numbers and booleans may be written
/// as strings, whole numbers as doubles; null counts as absent. Every error names the path.
package struct SpecNode: Sendable {
    package let json: JSON
    package let path: String

    package init(_ json: JSON, path: String) {
        self.json = json
        self.path = path
    }

    /// The value of a key; nil when it is absent or null.
    package func child(_ key: String) -> SpecNode? {
        guard let value = json[key], !value.isNull else { return nil }
        return SpecNode(value, path: path.isEmpty ? key : "\(path).\(key)")
    }

    package func required(_ key: String) throws(LaminaError) -> SpecNode {
        guard let node = child(key) else {
            throw wrong("\(path.isEmpty ? "" : "\(path).")\(key) must be given", key: key)
        }
        return node
    }

    private func wrong(_ message: String, key: String? = nil) -> LaminaError {
        .invalidInput(message, context: ["path": key.map { path.isEmpty ? $0 : "\(path).\($0)" } ?? path])
    }

    /// An error about this node; `what` completes "`path` …".
    package func error(_ what: String) -> LaminaError { wrong("\(path) \(what)") }

    package func object() throws(LaminaError) -> JSONObject {
        guard case .object(let object) = json else { throw error("must be an object, not \(json.text)") }
        return object
    }

    package func list() throws(LaminaError) -> [SpecNode] {
        guard case .array(let elements) = json else { throw error("must be an array, not \(json.text)") }
        return elements.enumerated().map { SpecNode($0.element, path: "\(path)[\($0.offset)]") }
    }

    package func string() throws(LaminaError) -> String {
        switch json {
        case .string(let text): return text
        case .int(let number): return String(number)
        case .double(let number): return javaText(number)
        case .bool(let flag): return flag ? "true" : "false"
        default: throw error("must be a string, not \(json.text)")
        }
    }

    package func int() throws(LaminaError) -> Int64 {
        switch json {
        case .int(let number): return number
        case .double(let number):
            if let whole = Int64(exactly: number.rounded(.towardZero)) { return whole }
        case .string(let text):
            if let number = Int64(text) { return number }
        default: break
        }
        throw error("must be a whole number, not \(json.text)")
    }

    package func bool() throws(LaminaError) -> Bool {
        switch json {
        case .bool(let flag): return flag
        case .int(let number): return number != 0
        case .string(let text):
            if text.lowercased() == "true" { return true }
            if text.lowercased() == "false" || text.isEmpty { return false }
        default: break
        }
        throw error("must be true or false, not \(json.text)")
    }

    package func strings() throws(LaminaError) -> [String] {
        var out: [String] = []
        for node in try list() { out.append(try node.string()) }
        return out
    }
}

extension SpecNode {
    package func string(_ key: String, default fallback: String) throws(LaminaError) -> String {
        guard let node = child(key) else { return fallback }
        return try node.string()
    }

    package func optionalString(_ key: String) throws(LaminaError) -> String? {
        guard let node = child(key) else { return nil }
        return try node.string()
    }

    package func int(_ key: String, default fallback: Int64) throws(LaminaError) -> Int64 {
        guard let node = child(key) else { return fallback }
        return try node.int()
    }

    package func optionalInt(_ key: String) throws(LaminaError) -> Int64? {
        guard let node = child(key) else { return nil }
        return try node.int()
    }

    package func bool(_ key: String, default fallback: Bool) throws(LaminaError) -> Bool {
        guard let node = child(key) else { return fallback }
        return try node.bool()
    }

    package func strings(_ key: String) throws(LaminaError) -> [String] {
        guard let node = child(key) else { return [] }
        return try node.strings()
    }
}
