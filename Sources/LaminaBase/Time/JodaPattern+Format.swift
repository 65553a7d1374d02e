extension JodaPattern {
    /// The instant's text in a zone and a language.
    package func format(_ instant: Int64, zone: TimeZoneRules = .utc, names: DateNames = .english) -> String {
        let offset = zone.offset(at: instant)
        let local = clampedAdd(instant, offset)
        let day = floorDivide(local, millisecondsPerDay)
        let date = CivilDate(dayNumber: Int(day))
        let inDay = Int(floorModulo(local, millisecondsPerDay))
        var bytes: [UInt8] = []
        bytes.reserveCapacity(32)
        for element in elements {
            switch element {
            case .literal(let text): bytes += text
            case .number(let field, let width, _):
                appendPadded(Self.value(field, date, inDay), digits: width, to: &bytes)
            case .shortYear(let field):
                appendPadded(floorModulo(Self.value(field, date, inDay), 100), digits: 2, to: &bytes)
            case .text(let field, let full): bytes += Self.name(field, date, inDay, full: full, names).utf8
            case .fraction(let digits): Self.appendFraction(inDay % 1000, digits: digits, to: &bytes)
            case .offset(let colon): appendOffset(offset, colon: colon, to: &bytes)
            case .zoneID: bytes += zone.id.utf8
            case .zoneName: bytes += zone.abbreviation(at: instant).utf8
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func appendFraction(_ milliseconds: Int, digits: Int, to bytes: inout [UInt8]) {
        var rest = milliseconds * 1_000_000
        for _ in 0..<digits {
            bytes.append(UInt8(ascii: "0") + UInt8(rest / 100_000_000))
            rest = rest % 100_000_000 * 10
        }
    }

    private static func value(_ field: Field, _ date: CivilDate, _ inDay: Int) -> Int {
        let hour = inDay / 3_600_000
        switch field {
        case .era: return date.year > 0 ? 1 : 0
        case .year: return date.year
        case .yearOfEra: return date.year > 0 ? date.year : 1 - date.year
        case .century: return (date.year > 0 ? date.year : 1 - date.year) / 100
        case .weekYear: return date.weekOfYear.year
        case .week: return date.weekOfYear.week
        case .dayOfWeek: return date.dayOfWeek
        case .dayOfYear: return date.dayOfYear
        case .month: return date.month
        case .day: return date.day
        case .halfDay: return hour / 12
        case .hourOfHalfDay: return hour % 12
        case .clockHourOfHalfDay: return hour % 12 == 0 ? 12 : hour % 12
        case .hour: return hour
        case .clockHour: return hour == 0 ? 24 : hour
        case .minute: return inDay / 60_000 % 60
        case .second: return inDay / 1000 % 60
        }
    }

    private static func name(
        _ field: Field,
        _ date: CivilDate,
        _ inDay: Int,
        full: Bool,
        _ names: DateNames
    ) -> String {
        switch field {
        case .era: names.eras[date.year > 0 ? 1 : 0]
        case .month: (full ? names.months : names.shortMonths)[date.month - 1]
        case .dayOfWeek: (full ? names.days : names.shortDays)[date.dayOfWeek - 1]
        default: names.halfDays[inDay >= 43_200_000 ? 1 : 0]
        }
    }
}
