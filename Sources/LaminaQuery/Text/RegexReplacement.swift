package import LaminaBase

/// A replacement text of Java's `Matcher.replaceAll`, taken apart once.
package struct RegexReplacement: Sendable {
    private enum Part: Sendable {
        case text([UInt8])
        case group(Int)
    }

    private var parts: [Part] = []

    /// Throws `invalidInput` for a group the pattern does not have, and for a lone `$` or `\` at the end.
    package init(_ text: String, for regex: Regex) throws(LaminaError) {
        var literal: [UInt8] = []
        let bytes = Array(text.utf8)
        var index = 0
        func bad(_ what: String) -> LaminaError { .invalidInput("Replacement '\(text)': \(what)") }
        while index < bytes.count {
            let byte = bytes[index]
            index += 1
            if byte == UInt8(ascii: "\\") {
                guard index < bytes.count else { throw bad("nothing follows the last backslash") }
                literal.append(bytes[index])
                index += 1
            } else if byte == UInt8(ascii: "$") {
                guard index < bytes.count else { throw bad("no group follows the last $") }
                let group: Int
                if bytes[index] == UInt8(ascii: "{") {
                    guard let close = bytes[index...].firstIndex(of: UInt8(ascii: "}")) else {
                        throw bad("a ${ has no }")
                    }
                    let name = String(decoding: bytes[index + 1..<close], as: UTF8.self)
                    guard let number = regex.group(named: name) else { throw bad("no group is named '\(name)'") }
                    group = number
                    index = close + 1
                } else {
                    guard let first = digit(bytes[index]), first <= regex.groupCount else {
                        throw bad("$ is not followed by a group of '\(regex.pattern)'")
                    }
                    var number = first
                    index += 1
                    // Java takes further digits as long as they still name a group.
                    while index < bytes.count, let next = digit(bytes[index]), number * 10 + next <= regex.groupCount {
                        number = number * 10 + next
                        index += 1
                    }
                    group = number
                }
                if !literal.isEmpty { parts.append(.text(literal)) }
                literal = []
                parts.append(.group(group))
            } else {
                literal.append(byte)
            }
        }
        if !literal.isEmpty { parts.append(.text(literal)) }
    }

    func append(to result: inout [UInt8], groups: [Range<Int>?], text: UnsafeBufferPointer<UInt8>) {
        for part in parts {
            switch part {
            case .text(let bytes): result.append(contentsOf: bytes)
            case .group(let group):
                if group < groups.count, let range = groups[group] { result.append(contentsOf: text[range]) }
            }
        }
    }
}

private func digit(_ byte: UInt8) -> Int? {
    byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") ? Int(byte - UInt8(ascii: "0")) : nil
}
