extension JodaPattern {
    /// The instant a text names, nil when it does not match the whole pattern or names a time that does not exist.
    ///
    /// - Parameter zone: the zone of texts that name none.
    package func parse(_ text: String, zone: TimeZoneRules = .utc) -> Int64? {
        var copy = text
        return copy.withUTF8 { parse(bytes: $0, zone: zone) }
    }

    /// As `parse(_:zone:)` over UTF-8 bytes.
    package func parse(bytes: UnsafeBufferPointer<UInt8>, zone: TimeZoneRules = .utc) -> Int64? {
        var cursor = ISOCursor(bytes: bytes)
        var fields = ParsedFields()
        for element in elements {
            guard fields.take(element, from: &cursor) else { return nil }
        }
        return cursor.atEnd ? fields.instant(zone: zone) : nil
    }
}

/// What a text said about an instant.
private struct ParsedFields {
    private var era: Int?
    private var century: Int?
    private var year: Int?
    private var yearOfEra: Int?
    private var weekYear: Int?
    private var week: Int?
    private var dayOfWeek: Int?
    private var dayOfYear: Int?
    private var month: Int?
    private var day: Int?
    private var halfDay: Int?
    private var hourOfHalfDay: Int?
    private var hour: Int?
    private var minute = 0
    private var second = 0
    private var fraction = 0
    private var offset: Int64?
    private var zone: TimeZoneRules?

    mutating func take(_ element: JodaPattern.Element, from cursor: inout ISOCursor) -> Bool {
        switch element {
        case .literal(let text):
            for byte in text {
                guard !cursor.atEnd, lowered(cursor.next) == lowered(byte) else { return false }
                cursor.position += 1
            }
            return true
        case .number(let field, _, let digitsMax): return takeNumber(field, digitsMax, &cursor)
        case .shortYear(let field): return takeShortYear(field, &cursor)
        case .text(let field, _): return takeName(field, &cursor)
        case .fraction(let digits):
            let start = cursor.position
            guard let value = cursor.number(upTo: digits) else { return false }
            var scaled = value * 1000
            for _ in start..<cursor.position { scaled /= 10 }
            fraction = scaled
            return true
        case .offset, .zoneID, .zoneName: return takeZone(&cursor)
        }
    }

    private func lowered(_ byte: UInt8) -> UInt8 {
        byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte | 0x20 : byte
    }

    private mutating func takeNumber(_ field: JodaPattern.Field, _ digitsMax: Int, _ cursor: inout ISOCursor) -> Bool {
        var negative = false
        switch field {
        case .year, .weekYear, .century:
            negative = cursor.take("-")
            if !negative { _ = cursor.take("+") }
        default: break
        }
        guard let digits = cursor.number(upTo: min(digitsMax, 9)) else { return false }
        return set(field, negative ? -digits : digits)
    }

    private mutating func takeShortYear(_ field: JodaPattern.Field, _ cursor: inout ISOCursor) -> Bool {
        let start = cursor.position
        let negative = cursor.take("-")
        let isSigned = negative || cursor.take("+")
        let first = cursor.position
        guard let digits = cursor.number(upTo: 9) else { return false }
        // Any other number of digits, or a sign, is a year as it stands.
        if isSigned || cursor.position - first != 2 {
            return cursor.position > start && set(field, negative ? -digits : digits)
        }
        let low = JodaPattern.pivotYear - 50
        return set(field, low + floorModulo(digits - low, 100))
    }

    private mutating func set(_ field: JodaPattern.Field, _ value: Int) -> Bool {
        func within(_ range: ClosedRange<Int>) -> Bool { range.contains(value) }
        switch field {
        case .era: era = value
        case .century: century = value
        case .year:
            year = value
            return within(-292_275_054...292_278_993)
        case .yearOfEra:
            yearOfEra = value
            return within(1...292_278_993)
        case .weekYear:
            weekYear = value
            return within(-292_275_054...292_278_993)
        case .week:
            week = value
            return within(1...53)
        case .dayOfWeek:
            dayOfWeek = value
            return within(1...7)
        case .dayOfYear:
            dayOfYear = value
            return within(1...366)
        case .month:
            month = value
            return within(1...12)
        case .day:
            day = value
            return within(1...31)
        case .halfDay: halfDay = value
        case .hourOfHalfDay:
            hourOfHalfDay = value
            return within(0...11)
        case .clockHourOfHalfDay:
            hourOfHalfDay = value % 12
            return within(1...12)
        case .hour:
            hour = value
            return within(0...23)
        case .clockHour:
            hour = value % 24
            return within(1...24)
        case .minute:
            minute = value
            return within(0...59)
        case .second:
            second = value
            return within(0...59)
        }
        return true
    }

    private mutating func takeName(_ field: JodaPattern.Field, _ cursor: inout ISOCursor) -> Bool {
        switch field {
        case .month: return takeName(field, of: JodaPattern.monthNames, first: 1, &cursor)
        case .dayOfWeek: return takeName(field, of: JodaPattern.dayNames, first: 1, &cursor)
        case .era: return takeName(field, of: ["BC", "AD"], first: 0, &cursor)
        default: return takeName(field, of: ["AM", "PM"], first: 0, &cursor)
        }
    }

    /// A full name or its first three letters, letter case ignored.
    private mutating func takeName(
        _ field: JodaPattern.Field,
        of names: [String],
        first: Int,
        _ cursor: inout ISOCursor
    ) -> Bool {
        for (index, name) in names.enumerated() {
            for length in [name.utf8.count, 3] where length <= name.utf8.count {
                guard cursor.bytes.count - cursor.position >= length else { continue }
                let text = cursor.bytes[cursor.position..<cursor.position + length]
                if zip(text, name.utf8).allSatisfy({ lowered($0) == lowered($1) }) {
                    cursor.position += length
                    return set(field, index + first)
                }
            }
        }
        return false
    }

    private mutating func takeZone(_ cursor: inout ISOCursor) -> Bool {
        if cursor.next == UInt8(ascii: "+") || cursor.next == UInt8(ascii: "-") {
            offset = cursor.offset()
            return offset != nil
        }
        let start = cursor.position
        while !cursor.atEnd {
            switch cursor.next {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "/"),
                UInt8(ascii: "_"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "+"):
                cursor.position += 1
                continue
            default: break
            }
            break
        }
        guard cursor.position > start else { return false }
        let name = String(decoding: cursor.bytes[start..<cursor.position], as: UTF8.self)
        zone = (try? TimeZoneRules.abbreviated(name)) ?? (try? TimeZoneRules.named(name))
        return zone != nil
    }

    func instant(zone fallback: TimeZoneRules) -> Int64? {
        guard let days = dayNumber() else { return nil }
        var hours = hour ?? 0
        if let hourOfHalfDay { hours = (halfDay ?? hours / 12) * 12 + hourOfHalfDay }
        let inDay = Int64(((hours * 60 + minute) * 60 + second) * 1000 + fraction)
        let local = clampedAdd(clampedMultiply(Int64(days), millisecondsPerDay), inDay)
        if let offset { return clampedAdd(local, -offset) }
        return (zone ?? fallback).instant(ofLocal: local)
    }

    private func dayNumber() -> Int? {
        var knownYear = year
        if let yearOfEra { knownYear = era == 0 ? 1 - yearOfEra : yearOfEra }
        if knownYear == nil, let century { knownYear = century * 100 }
        if let week {
            let monday = CivilDate.weekStart(year: weekYear ?? knownYear ?? 2000, week: week)
            return monday + (dayOfWeek ?? 1) - 1
        }
        if let weekYear, knownYear == nil { knownYear = weekYear }
        if let dayOfYear {
            let first = CivilDate(year: knownYear ?? 2000, month: 1, day: 1)
            guard dayOfYear <= (CivilDate.isLeap(first.year) ? 366 : 365) else { return nil }
            return first.dayNumber + dayOfYear - 1
        }
        // Texts without a year are read in 2000 where they have a month or day, else on the first day of the epoch.
        let year = knownYear ?? (month != nil || day != nil ? 2000 : 1970)
        let date = CivilDate(year: year, month: month ?? 1, day: day ?? 1)
        guard date.day <= CivilDate.days(inMonth: date.month, of: year) else { return nil }
        if month == nil, day == nil, let dayOfWeek { return date.dayNumber - date.dayOfWeek + dayOfWeek }
        return date.dayNumber
    }
}
