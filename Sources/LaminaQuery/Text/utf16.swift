/// Java's view of a string: UTF-16 code units, by index.
package struct UTF16Text: Sendable {
    package let units: [UInt16]

    package init(_ text: String) { units = Array(text.utf16) }

    package var count: Int { units.count }

    /// The units of a range as text; half of a surrogate pair becomes the replacement character.
    package func text(_ range: Range<Int>) -> String { String(decoding: units[range], as: UTF16.self) }

    /// `String.indexOf`; -1 when not found.
    package func index(of part: UTF16Text, from start: Int = 0) -> Int {
        let first = max(0, start)
        if part.count == 0 { return min(first, count) }
        guard count >= part.count else { return -1 }
        var index = first
        while index <= count - part.count {
            if units[index] == part.units[0], units[index..<index + part.count].elementsEqual(part.units) {
                return index
            }
            index += 1
        }
        return -1
    }
}

/// The length in UTF-16 units (Java's `String.length()`).
package func javaLength(_ text: String) -> Int { text.utf16.count }

/// `String.substring(start, end)` with the end clipped; nil when `start` lies at or beyond the end of the text.
package func javaSubstring(_ text: String, from start: Int, length: Int?) -> String? {
    guard start >= 0 else { return nil }
    let isASCII = text.utf8.count == text.utf16.count
    let count = isASCII ? text.utf8.count : text.utf16.count
    guard start < count else { return nil }
    let end = length.map { start > count - min($0, count) ? count : start + min($0, count) } ?? count
    if isASCII {
        let utf8 = text.utf8
        let low = utf8.index(utf8.startIndex, offsetBy: start)
        return String(text[low..<utf8.index(low, offsetBy: end - start)])
    }
    return UTF16Text(text).text(start..<end)
}

/// `toLowerCase(Locale.ENGLISH)`: as Unicode maps, a capital sigma at the end of a word to the final small sigma.
package func javaLowercased(_ text: String) -> String {
    let lowered = text.lowercased()
    guard text.unicodeScalars.contains("\u{03A3}") else { return lowered }
    let scalars = Array(text.unicodeScalars)
    var result = ""
    for index in scalars.indices {
        guard scalars[index] == "\u{03A3}" else {
            result += scalars[index].properties.lowercaseMapping
            continue
        }
        let isAfterLetter = scalars[..<index].last { !$0.properties.isCaseIgnorable }?.properties.isCased ?? false
        let isBeforeLetter =
            scalars[(index + 1)...].first { !$0.properties.isCaseIgnorable }?.properties.isCased ?? false
        result += isAfterLetter && !isBeforeLetter ? "\u{03C2}" : "\u{03C3}"
    }
    return result
}
