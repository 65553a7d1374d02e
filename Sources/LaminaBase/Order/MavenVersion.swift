/// A version as Maven orders them: `1.0-alpha < 1.0-beta < 1.0-rc < 1.0-SNAPSHOT < 1.0 < 1.0-sp < 1.0-xyz < 1.0-1 < 1.0.1`.
///
/// Source: Maven's `ComparableVersion`, which Druid's `version` ordering uses.
struct MavenVersion {
    private indirect enum Item {
        /// Digits without leading zeros, so that any length compares.
        case number([UInt8])
        case word(String)
        case list([Item])
    }

    private let items: [Item]

    init(_ text: String) {
        var builder = Builder()
        for byte in text.lowercased().utf8 { builder.take(byte) }
        items = builder.finish()
    }

    func compare(_ other: MavenVersion) -> Int { Self.compare(.list(items), .list(other.items)) }

    private struct Builder {
        private var stack: [[Item]] = [[]]
        private var token: [UInt8] = []
        private var tokenIsDigits = false

        mutating func take(_ byte: UInt8) {
            switch byte {
            case UInt8(ascii: "."):
                if token.isEmpty { append(.number([])) } else { flush(beforeDigit: false) }
            case UInt8(ascii: "-"):
                if token.isEmpty { append(.number([])) } else { flush(beforeDigit: false) }
                stack.append([])
            default:
                let isDigit = byte &- 0x30 <= 9
                if !token.isEmpty, isDigit != tokenIsDigits {
                    flush(beforeDigit: isDigit)
                    // A change between letters and digits nests like a hyphen.
                    stack.append([])
                }
                token.append(byte)
                tokenIsDigits = isDigit
            }
        }

        mutating func finish() -> [Item] {
            if !token.isEmpty { flush(beforeDigit: false) }
            while stack.count > 1 {
                let inner = Self.normalized(stack.removeLast())
                if !inner.isEmpty { append(.list(inner)) }
            }
            return Self.normalized(stack[0])
        }

        private mutating func append(_ item: Item) { stack[stack.count - 1].append(item) }

        private mutating func flush(beforeDigit: Bool) {
            defer { token = [] }
            if tokenIsDigits {
                append(.number(Array(token.drop { $0 == 0x30 })))
                return
            }
            var word = String(decoding: token, as: UTF8.self)
            if beforeDigit, word.utf8.count == 1 {
                // a1 means alpha-1, b2 beta-2, m3 milestone-3.
                word = ["a": "alpha", "b": "beta", "m": "milestone"][word] ?? word
            }
            append(.word(["ga": "", "final": "", "release": "", "cr": "rc"][word] ?? word))
        }

        /// Trailing parts that mean nothing (0, "", empty lists) are dropped.
        private static func normalized(_ items: [Item]) -> [Item] {
            var result = items
            var index = result.count - 1
            while index >= 0 {
                if isNull(result[index]) {
                    result.remove(at: index)
                } else if case .list = result[index] {
                    // What stands before a nested list may still be dropped.
                } else {
                    break
                }
                index -= 1
            }
            return result
        }
    }

    private static func isNull(_ item: Item) -> Bool {
        switch item {
        case .number(let digits): digits.isEmpty
        case .word(let word): word.isEmpty
        case .list(let items): items.isEmpty
        }
    }

    private static let qualifiers = ["alpha", "beta", "milestone", "rc", "snapshot", "", "sp"]

    /// Known words by their place, others after them by name.
    private static func compareWords(_ left: String, _ right: String) -> Int {
        let leftPlace = qualifiers.firstIndex(of: left) ?? qualifiers.count
        let rightPlace = qualifiers.firstIndex(of: right) ?? qualifiers.count
        if leftPlace != rightPlace { return leftPlace < rightPlace ? -1 : 1 }
        return leftPlace == qualifiers.count ? javaCompare(left, right) : 0
    }

    private static func compareNumbers(_ left: [UInt8], _ right: [UInt8]) -> Int {
        if left.count != right.count { return left.count < right.count ? -1 : 1 }
        return left == right ? 0 : (left.lexicographicallyPrecedes(right) ? -1 : 1)
    }

    private static func compareToNothing(_ item: Item) -> Int {
        switch item {
        case .number(let digits): return digits.isEmpty ? 0 : 1
        case .word(let word): return compareWords(word, "")
        case .list(let items):
            for item in items {
                let order = compareToNothing(item)
                if order != 0 { return order }
            }
            return 0
        }
    }

    private static func compare(_ left: Item, _ right: Item) -> Int {
        switch (left, right) {
        case (.number(let one), .number(let other)): return compareNumbers(one, other)
        case (.number, _): return 1
        case (_, .number): return -1
        case (.word(let one), .word(let other)): return compareWords(one, other)
        case (.word, .list): return -1
        case (.list, .word): return 1
        case (.list(let one), .list(let other)):
            for index in 0..<max(one.count, other.count) {
                let order: Int
                if index >= one.count {
                    order = -compareToNothing(other[index])
                } else if index >= other.count {
                    order = compareToNothing(one[index])
                } else {
                    order = compare(one[index], other[index])
                }
                if order != 0 { return order }
            }
            return 0
        }
    }
}
