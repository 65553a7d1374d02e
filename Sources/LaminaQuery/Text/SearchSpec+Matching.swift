extension SearchSpec {
    /// Whether the search accepts a value (nil: null). Source: `SearchQuerySpec.accept` of each kind.
    package func accepts(_ value: String?) -> Bool {
        switch self {
        case .all: return true
        case .regex(let regex):
            guard let value else { return false }
            return regex.isFound(in: value)
        case .contains(let part, let caseSensitive):
            guard let value else { return false }
            return textContains(value, part, caseSensitive: caseSensitive)
        case .fragment(let parts, let caseSensitive):
            guard let value else { return false }
            return parts.allSatisfy { textContains(value, $0, caseSensitive: caseSensitive) }
        }
    }
}

/// Whether `text` contains `part`, byte by byte, letter case ignored unless `caseSensitive`.
func textContains(_ text: String, _ part: String, caseSensitive: Bool) -> Bool {
    if caseSensitive { return containsBytes(Array(text.utf8), Array(part.utf8)) }
    return containsBytes(Array(text.lowercased().utf8), Array(part.lowercased().utf8))
}

/// The first place of `part` in `text` at or after `start`; an empty part is found at once.
func byteIndex(of part: [UInt8], in text: [UInt8], from start: Int = 0) -> Int? {
    guard text.count - start >= part.count else { return nil }
    guard let first = part.first else { return start }
    var index = start
    let last = text.count - part.count
    while index <= last {
        if text[index] == first, text[index..<index + part.count].elementsEqual(part) { return index }
        index += 1
    }
    return nil
}

private func containsBytes(_ text: [UInt8], _ part: [UInt8]) -> Bool { byteIndex(of: part, in: text) != nil }
