/// The `TZ` text that ends a TZif file and rules all time after its transitions, such as `PST8PDT,M3.2.0,M11.1.0`.
///
/// Source: RFC 8536 section 3.3, POSIX `TZ`.
struct POSIXZoneRule: Sendable {
    private var standardOffset: Int64 = 0
    private var daylightOffset: Int64 = 0
    private var daylightStart: Day?
    private var daylightEnd: Day?

    /// A day of the year and the local time at which the clock changes, in milliseconds from its midnight.
    private struct Day {
        enum Form { case week(month: Int, week: Int, weekday: Int), julian(Int), zeroBased(Int) }
        var form: Form
        var time: Int64
    }

    /// Whether there is daylight saving at all.
    var changes: Bool { daylightStart != nil }

    init?(parsing bytes: [UInt8]) {
        var text = bytes[...]
        guard Self.name(&text), let west = Self.time(&text) else { return nil }
        standardOffset = -west
        guard !text.isEmpty else { return }
        guard Self.name(&text) else { return nil }
        daylightOffset = standardOffset + 3_600_000
        if let first = text.first, first != UInt8(ascii: ",") {
            guard let west = Self.time(&text) else { return nil }
            daylightOffset = -west
        }
        guard let start = Self.day(&text), let end = Self.day(&text), text.isEmpty else { return nil }
        daylightStart = start
        daylightEnd = end
    }

    private static func name(_ text: inout ArraySlice<UInt8>) -> Bool {
        if text.first == UInt8(ascii: "<") {
            guard let end = text.firstIndex(of: UInt8(ascii: ">")) else { return false }
            text = text[(end + 1)...]
            return true
        }
        let letters = text.prefix { ($0 | 0x20) >= UInt8(ascii: "a") && ($0 | 0x20) <= UInt8(ascii: "z") }
        text = text.dropFirst(letters.count)
        return letters.count >= 3
    }

    private static func number(_ text: inout ArraySlice<UInt8>) -> Int? {
        let digits = text.prefix { $0 &- 0x30 <= 9 }
        guard !digits.isEmpty, digits.count <= 4 else { return nil }
        text = text.dropFirst(digits.count)
        return digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
    }

    private static func take(_ mark: UInt8, _ text: inout ArraySlice<UInt8>) -> Bool {
        guard text.first == mark else { return false }
        text = text.dropFirst()
        return true
    }

    /// `[+-]h[h][:mm[:ss]]` in milliseconds.
    private static func time(_ text: inout ArraySlice<UInt8>) -> Int64? {
        let negative = take(UInt8(ascii: "-"), &text)
        if !negative { _ = take(UInt8(ascii: "+"), &text) }
        guard let hours = number(&text) else { return nil }
        var total = Int64(hours) * 3600
        var unit: Int64 = 60
        while unit > 0, take(UInt8(ascii: ":"), &text) {
            guard let part = number(&text) else { return nil }
            total += Int64(part) * unit
            unit /= 60
        }
        return (negative ? -total : total) * 1000
    }

    private static func day(_ text: inout ArraySlice<UInt8>) -> Day? {
        guard take(UInt8(ascii: ","), &text) else { return nil }
        let form: Day.Form
        if take(UInt8(ascii: "M"), &text) {
            guard let month = number(&text), take(UInt8(ascii: "."), &text), let week = number(&text),
                take(UInt8(ascii: "."), &text), let weekday = number(&text),
                (1...12).contains(month), (1...5).contains(week), (0...6).contains(weekday)
            else { return nil }
            form = .week(month: month, week: week, weekday: weekday)
        } else if take(UInt8(ascii: "J"), &text) {
            guard let day = number(&text), (1...365).contains(day) else { return nil }
            form = .julian(day)
        } else {
            guard let day = number(&text), day <= 365 else { return nil }
            form = .zeroBased(day)
        }
        guard take(UInt8(ascii: "/"), &text) else { return Day(form: form, time: 2 * 3_600_000) }
        guard let time = time(&text) else { return nil }
        return Day(form: form, time: time)
    }

    private func dayNumber(_ form: Day.Form, year: Int) -> Int {
        switch form {
        case .week(let month, let week, let weekday):
            let first = CivilDate(year: year, month: month, day: 1)
            let ahead = floorModulo(weekday - first.dayOfWeek % 7, 7)
            var day = 1 + ahead + (week - 1) * 7
            let length = CivilDate.days(inMonth: month, of: year)
            while day > length { day -= 7 }
            return first.dayNumber + day - 1
        case .julian(let day):
            let leapDay = CivilDate.isLeap(year) && day >= 60 ? 1 : 0
            return CivilDate(year: year, month: 1, day: 1).dayNumber + day - 1 + leapDay
        case .zeroBased(let day): return CivilDate(year: year, month: 1, day: 1).dayNumber + day
        }
    }

    private func midnight(_ day: Day, _ year: Int) -> Int64 {
        clampedMultiply(Int64(dayNumber(day.form, year: year)), millisecondsPerDay)
    }

    /// The year's changes in time order: the instant, and the offset from then on.
    func transitions(in year: Int) -> [(Int64, Int64)] {
        guard let daylightStart, let daylightEnd else { return [] }
        // Clamped: the year may be the last there is, or the one after.
        let on = clampedAdd(midnight(daylightStart, year), daylightStart.time - standardOffset)
        let off = clampedAdd(midnight(daylightEnd, year), daylightEnd.time - daylightOffset)
        return on < off
            ? [(on, daylightOffset), (off, standardOffset)] : [(off, standardOffset), (on, daylightOffset)]
    }

    func offset(at instant: Int64) -> Int64 {
        let year = CivilDate(dayNumber: Int(floorDivide(instant, millisecondsPerDay))).year
        var offset = standardOffset
        for candidate in (year - 1)...(year + 1) {
            for (moment, next) in transitions(in: candidate) where moment <= instant { offset = next }
        }
        return offset
    }
}
