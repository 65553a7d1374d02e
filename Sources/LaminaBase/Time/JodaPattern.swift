/// A date pattern such as `yyyy-MM-dd'T'HH:mm:ss.SSSZ`, for parsing and printing, in English.
///
/// Source: Joda's `DateTimeFormat.forPattern`. Letters: G C x w e E y Y D M d a K h H k m s S z Z and quoted text.
package struct JodaPattern: Sendable {
    /// The pattern as given.
    package let pattern: String
    let elements: [Element]

    enum Element: Sendable, Equatable {
        case literal([UInt8])
        /// A number with its least width and, for parsing, its most digits.
        case number(Field, width: Int, digitsMax: Int)
        /// A two-digit year: parsed into the century around thirty years ago.
        case shortYear(Field)
        case text(Field, full: Bool)
        case fraction(digits: Int)
        /// `Z` without a colon, `ZZ` with one.
        case offset(colon: Bool)
        case zoneID
        case zoneName(full: Bool)
    }

    enum Field: Sendable, Equatable {
        case era, century, weekYear, week, dayOfWeek, yearOfEra, year, dayOfYear, month, day
        case halfDay, hourOfHalfDay, clockHourOfHalfDay, hour, clockHour, minute, second
    }

    /// Throws `invalidInput` naming the letter that is no part of a pattern.
    package init(_ pattern: String) throws(LaminaError) {
        self.pattern = pattern
        var elements: [Element] = []
        let text = Array(pattern.utf8)
        guard !text.isEmpty else { throw .invalidInput("Invalid pattern specification: an empty date pattern") }
        var place = 0
        while place < text.count {
            let letter = text[place]
            guard Self.isLetter(letter) else {
                elements.append(.literal(Self.literal(text, &place)))
                continue
            }
            let start = place
            while place < text.count, text[place] == letter { place += 1 }
            let isNumberNext = Self.isNumber(text, at: place)
            elements.append(try Self.element(letter, count: place - start, beforeNumber: isNumberNext, in: pattern))
        }
        self.elements = elements
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (byte | 0x20) >= UInt8(ascii: "a") && (byte | 0x20) <= UInt8(ascii: "z")
    }

    /// Text up to the next letter outside quotes; two quotes are one.
    private static func literal(_ text: [UInt8], _ place: inout Int) -> [UInt8] {
        var result: [UInt8] = []
        var isQuoted = false
        while place < text.count {
            let byte = text[place]
            if byte == UInt8(ascii: "'") {
                if place + 1 < text.count, text[place + 1] == byte {
                    result.append(byte)
                    place += 2
                    continue
                }
                isQuoted.toggle()
            } else if !isQuoted, isLetter(byte) {
                break
            } else {
                result.append(byte)
            }
            place += 1
        }
        return result
    }

    /// Whether a number follows directly, so that the one before it must not take its digits.
    private static func isNumber(_ text: [UInt8], at place: Int) -> Bool {
        guard place < text.count else { return false }
        let letter = text[place]
        if "CxwyYDdKhHkmsSe".utf8.contains(letter) { return true }
        guard letter == UInt8(ascii: "M") else { return false }
        return text[place...].prefix { $0 == letter }.count <= 2
    }

    private static func element(
        _ letter: UInt8,
        count: Int,
        beforeNumber: Bool,
        in pattern: String
    ) throws(LaminaError) -> Element {
        switch Character(Unicode.Scalar(letter)) {
        case "G": return .text(.era, full: false)
        case "C": return .number(.century, width: count, digitsMax: max(count, beforeNumber ? count : 9))
        case "y", "Y", "x":
            let field: Field =
                letter == UInt8(ascii: "x") ? .weekYear : letter == UInt8(ascii: "y") ? .year : .yearOfEra
            if count == 2 { return .shortYear(field) }
            return .number(field, width: count, digitsMax: beforeNumber ? count : 9)
        case "M": return count > 2 ? .text(.month, full: count > 3) : .number(.month, width: count, digitsMax: 2)
        case "d": return .number(.day, width: count, digitsMax: 2)
        case "D": return .number(.dayOfYear, width: count, digitsMax: 3)
        case "w": return .number(.week, width: count, digitsMax: 2)
        case "e": return .number(.dayOfWeek, width: count, digitsMax: 1)
        case "E": return .text(.dayOfWeek, full: count > 3)
        case "a": return .text(.halfDay, full: false)
        case "H": return .number(.hour, width: count, digitsMax: 2)
        case "k": return .number(.clockHour, width: count, digitsMax: 2)
        case "K": return .number(.hourOfHalfDay, width: count, digitsMax: 2)
        case "h": return .number(.clockHourOfHalfDay, width: count, digitsMax: 2)
        case "m": return .number(.minute, width: count, digitsMax: 2)
        case "s": return .number(.second, width: count, digitsMax: 2)
        case "S": return .fraction(digits: min(count, 9))
        case "z": return .zoneName(full: count > 3)
        case "Z": return count == 1 ? .offset(colon: false) : count == 2 ? .offset(colon: true) : .zoneID
        default:
            throw .invalidInput(
                "Illegal pattern component: \(Character(Unicode.Scalar(letter))) in the date pattern \(pattern)",
                context: ["pattern": pattern]
            )
        }
    }

    static let monthNames = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
        "December",
    ]
    static let dayNames = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
}
