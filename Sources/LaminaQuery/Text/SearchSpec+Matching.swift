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
    return containsBytes(foldedCase(text), foldedCase(part))
}

/// UTF-8 of a text in which characters equal without regard to case are the same: one by one, upper case then lower
/// case, as Java's `regionMatches(true, …)` compares them.
private func foldedCase(_ text: String) -> [UInt8] {
    let isASCII = text.utf8.allSatisfy { $0 < 0x80 }
    if isASCII { return text.utf8.map { $0 >= 0x41 && $0 <= 0x5A ? $0 | 0x20 : $0 } }
    var folded = String.UnicodeScalarView()
    for scalar in text.unicodeScalars { folded.append(simpleLowercase(simpleUppercase(scalar))) }
    return Array(String(folded).utf8)
}

/// `Character.toUpperCase`: characters that would become several stay, and so do those beyond U+FFFF.
private func simpleUppercase(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
    guard scalar.value <= 0xFFFF else { return scalar }
    let mapped = scalar.properties.uppercaseMapping.unicodeScalars
    return mapped.count == 1 ? mapped.first ?? scalar : scalar
}

private func simpleLowercase(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
    guard scalar.value <= 0xFFFF else { return scalar }
    if scalar == "\u{130}" { return "i" }
    let mapped = scalar.properties.lowercaseMapping.unicodeScalars
    return mapped.count == 1 ? mapped.first ?? scalar : scalar
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
