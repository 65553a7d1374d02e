import LaminaBase

/// The fields of one object of a spec, with errors that name their place.
struct SpecFields {
    let object: JSONObject
    let path: String

    init(_ json: JSON, path: String) throws(LaminaError) {
        guard let object = json.objectValue else {
            throw .invalidInput("\(path) must be an object", context: ["path": path])
        }
        self.object = object
        self.path = path
    }

    init(object: JSONObject, path: String) {
        self.object = object
        self.path = path
    }

    subscript(name: String) -> JSON? { object[name] }

    func error(_ name: String, _ what: String) -> LaminaError {
        let place = name.isEmpty ? path : "\(path).\(name)"
        return .invalidInput("\(place) \(what)", context: ["path": place])
    }

    func missing(_ name: String) -> LaminaError { error(name, "is missing") }

    /// The `type`, which must be one of the known ones.
    func type(known: [String], unsupported: Set<String>) throws(LaminaError) -> String {
        guard let type = try string("type") else { throw missing("type") }
        if known.contains(type) { return type }
        if unsupported.contains(type) { throw .unsupported("\(path) of type '\(type)'") }
        throw error("type", "'\(type)' is none of \(known.joined(separator: ", "))")
    }

    /// A string; numbers and booleans are taken as their text, as Jackson does. nil when absent or null.
    func string(_ name: String) throws(LaminaError) -> String? {
        switch object[name] {
        case nil, .null: return nil
        case .string(let text): return text
        case .int(let number): return String(number)
        case .double(let number): return javaText(number)
        case .bool(let truth): return truth ? "true" : "false"
        default: throw error(name, "must be a string")
        }
    }

    func bool(_ name: String) throws(LaminaError) -> Bool? {
        switch object[name] {
        case nil, .null: return nil
        case .bool(let truth): return truth
        case .string(let text) where text.lowercased() == "true": return true
        case .string(let text) where text.lowercased() == "false": return false
        case .int(let number): return number != 0
        default: throw error(name, "must be true or false")
        }
    }

    func int(_ name: String) throws(LaminaError) -> Int64? {
        switch object[name] {
        case nil, .null: return nil
        case .int(let number): return number
        case .double(let number) where number.magnitude < 9e15: return Int64(number)
        case .string(let text):
            if let number = Int64(text) { return number }
            throw error(name, "must be a whole number")
        default: throw error(name, "must be a whole number")
        }
    }

    /// A list of strings; empty when absent or null.
    func strings(_ name: String) throws(LaminaError) -> [String] {
        guard let given = object[name], !given.isNull else { return [] }
        guard let items = given.arrayValue else { throw error(name, "must be a list of strings") }
        var texts: [String] = []
        for item in items {
            guard let text = item.stringValue else { throw error(name, "must be a list of strings") }
            texts.append(text)
        }
        return texts
    }

    /// A list that must be there.
    func required(_ name: String) throws(LaminaError) -> (elements: [JSON], count: Int) {
        guard let given = object[name], !given.isNull else { throw missing(name) }
        guard let items = given.arrayValue else { throw error(name, "must be a list") }
        return (items, items.count)
    }

    func refuseSystemFields() throws(LaminaError) {
        if !(try strings("systemFields")).isEmpty { throw .unsupported("\(path).systemFields") }
    }
}
