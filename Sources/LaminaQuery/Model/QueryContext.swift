package import LaminaBase

/// The `context` of a query: flags by name, read with Druid's leniency (numbers and booleans may be texts).
package struct QueryContext: Sendable {
    package var values: JSONObject

    package init(_ values: JSONObject = JSONObject()) { self.values = values }

    package subscript(key: String) -> JSON? { values[key] }

    private func badFormat(_ key: String, _ format: String, _ value: JSON) -> LaminaError {
        let shown = value.stringValue ?? value.text
        return LaminaError(
            .invalidInput,
            code: "legacyQueryException",
            "Expected key [\(key)] to be in \(format) format, but got [\(shown)]",
            context: ["legacyErrorCode": "Query context parse failed", "key": key]
        )
    }

    /// A text value; nil when absent or null.
    package func string(_ key: String) throws(LaminaError) -> String? {
        guard let value = values[key], !value.isNull else { return nil }
        guard let text = value.stringValue else { throw badFormat(key, "java.lang.String", value) }
        return text
    }

    /// A boolean or its text (anything but `true`, in any case, is false); `standard` when absent or null.
    package func bool(_ key: String, default standard: Bool) throws(LaminaError) -> Bool {
        guard let value = values[key] else { return standard }
        switch value {
        case .null: return standard
        case .bool(let flag): return flag
        case .string(let text): return text.lowercased() == "true"
        default: throw badFormat(key, "boolean", value)
        }
    }

    /// A whole number or its text; nil when absent or null.
    package func int(_ key: String) throws(LaminaError) -> Int64? {
        guard let value = values[key] else { return nil }
        switch value {
        case .null: return nil
        case .int(let number): return number
        case .double(let number):
            guard let whole = Int64(exactly: number.rounded(.towardZero)) else { throw badFormat(key, "long", value) }
            return whole
        case .string(let text):
            if let number = Int64(text) { return number }
            guard let number = Double(text), let whole = Int64(exactly: number) else {
                throw badFormat(key, "long", value)
            }
            return whole
        default: throw badFormat(key, "long", value)
        }
    }

    package func int(_ key: String, default standard: Int64) throws(LaminaError) -> Int64 {
        try int(key) ?? standard
    }

    /// `queryId`, when it is a text.
    package var queryID: String? { values["queryId"]?.stringValue }
}
