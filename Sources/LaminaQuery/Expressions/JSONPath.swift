package import LaminaBase

/// A path into a JSON value: `$.name['other name'][2]`, or jq's `.name["other"].[2]`.
///
/// Source: `NestedPathFinder.parseJsonPath`, `parseJqPath`; only fields and array elements, negative ones from the end.
package struct JSONPath: Sendable, Hashable {
    package enum Step: Sendable, Hashable {
        case field(String)
        case element(Int)
    }

    package let steps: [Step]

    package init(steps: [Step]) { self.steps = steps }

    package init(parsing text: String) throws(LaminaError) {
        guard text.hasPrefix("$") else { throw Self.error(text, "it must begin with '$'") }
        steps = try Self.parse(text, Array(text.utf8.dropFirst()), dotBeforeBracket: false)
    }

    package init(parsingJQ text: String) throws(LaminaError) {
        guard text.hasPrefix(".") else { throw Self.error(text, "it must begin with '.'") }
        var bytes = Array(text.utf8)
        bytes.removeAll { $0 == UInt8(ascii: "?") }
        steps = bytes == [UInt8(ascii: ".")] ? [] : try Self.parse(text, bytes, dotBeforeBracket: true)
    }

    private static func error(_ text: String, _ what: String) -> LaminaError {
        .invalidInput("Bad path [\(text)]: \(what)", context: ["path": text])
    }

    private static func parse(
        _ text: String,
        _ bytes: [UInt8],
        dotBeforeBracket: Bool
    ) throws(LaminaError) -> [Step] {
        var steps: [Step] = []
        var index = 0
        while index < bytes.count {
            switch bytes[index] {
            case UInt8(ascii: "."):
                index += 1
                if dotBeforeBracket, index < bytes.count, bytes[index] == UInt8(ascii: "[") { continue }
                if dotBeforeBracket, index < bytes.count, bytes[index] == UInt8(ascii: "\"") {
                    steps.append(.field(try quoted(text, bytes, &index, inBrackets: false)))
                    continue
                }
                let start = index
                while index < bytes.count, bytes[index] != UInt8(ascii: "."), bytes[index] != UInt8(ascii: "[") {
                    index += 1
                }
                guard index > start else { throw error(text, "a name is missing after '.'") }
                steps.append(.field(String(decoding: bytes[start..<index], as: UTF8.self)))
            case UInt8(ascii: "["):
                index += 1
                guard index < bytes.count else { throw error(text, "'[' is never closed") }
                if bytes[index] == UInt8(ascii: "'") || bytes[index] == UInt8(ascii: "\"") {
                    steps.append(.field(try quoted(text, bytes, &index, inBrackets: true)))
                } else {
                    let start = index
                    while index < bytes.count, bytes[index] != UInt8(ascii: "]") { index += 1 }
                    guard let number = Int32(String(decoding: bytes[start..<index], as: UTF8.self)) else {
                        throw error(text, "expected a number or a quoted name in '[]'")
                    }
                    steps.append(.element(Int(number)))
                }
                guard index < bytes.count, bytes[index] == UInt8(ascii: "]") else {
                    throw error(text, "'[' is never closed")
                }
                index += 1
            default: throw error(text, "expected '.' or '['")
            }
        }
        return steps
    }

    private static func quoted(_ text: String, _ bytes: [UInt8], _ index: inout Int, inBrackets: Bool)
        throws(LaminaError) -> String
    {
        let quote = bytes[index]
        index += 1
        let start = index
        // Inside brackets only a quote before the closing bracket ends the name.
        while index < bytes.count, bytes[index] != quote || inBrackets && !bytes[(index + 1)...].starts(with: [0x5D]) {
            index += 1
        }
        guard index < bytes.count else { throw error(text, "a quote is never closed") }
        defer { index += 1 }
        return String(decoding: bytes[start..<index], as: UTF8.self)
    }

    /// What lies at the path; nil when there is nothing.
    package func find(in json: JSON) -> JSON? {
        var current = json
        for step in steps {
            switch (step, current) {
            case (.field(let name), .object(let object)):
                guard let next = object[name] else { return nil }
                current = next
            case (.element(let number), .array(let items)):
                let index = number < 0 ? items.count + number : number
                guard index >= 0, index < items.count else { return nil }
                current = items[index]
            default: return nil
            }
        }
        return current
    }

    /// The scalar, or array of scalars, at the path; null when there is none.
    package func literal(in json: JSON) -> Value {
        switch find(in: json) {
        case nil, .null, .object: return .null
        case .array(let items):
            for item in items {
                switch item {
                case .array, .object: return .null
                default: continue
                }
            }
            return .array(unified(items.map(scalarValue)))
        case .some(let scalar): return scalarValue(scalar)
        }
    }

    /// The normal text: `$.name['odd name'][2]`.
    package var text: String {
        var text = "$"
        for step in steps {
            switch step {
            case .field(let name):
                let isPlain = !name.isEmpty && !name.utf8.contains { ".['\"]".utf8.contains($0) }
                text += isPlain ? ".\(name)" : "['\(name)']"
            case .element(let number): text += "[\(number)]"
            }
        }
        return text
    }
}
