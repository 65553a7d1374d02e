/// A calendar period such as `P1DT12H`: every field by itself, none normalised.
///
/// Source: Joda's `Period` with its standard ISO form.
package struct ISOPeriod: Sendable, Hashable {
    package var years = 0
    package var months = 0
    package var weeks = 0
    package var days = 0
    package var hours = 0
    package var minutes = 0
    package var seconds = 0
    package var milliseconds = 0

    package init(
        years: Int = 0,
        months: Int = 0,
        weeks: Int = 0,
        days: Int = 0,
        hours: Int = 0,
        minutes: Int = 0,
        seconds: Int = 0,
        milliseconds: Int = 0
    ) {
        self.years = years
        self.months = months
        self.weeks = weeks
        self.days = days
        self.hours = hours
        self.minutes = minutes
        self.seconds = seconds
        self.milliseconds = milliseconds
    }

    /// Parses `PnYnMnWnDTnHnMn.nS`; every number may be negative, only seconds may have a fraction.
    package init(parsing text: String) throws(LaminaError) {
        var copy = text
        guard let parsed = copy.withUTF8({ ISOPeriod.parse($0) }) else {
            throw .invalidInput("Invalid format: \"\(text)\" is not an ISO 8601 period", context: ["text": text])
        }
        self = parsed
    }

    /// Fields from years to milliseconds.
    var fields: [Int] { [years, months, weeks, days, hours, minutes, seconds, milliseconds] }

    package var isZero: Bool { fields.allSatisfy { $0 == 0 } }

    /// The milliseconds of weeks to milliseconds, days taken as 24 hours; nil when months or years are there.
    package var fixedMilliseconds: Int64? {
        guard years == 0, months == 0 else { return nil }
        return ((Int64(weeks) * 7 + Int64(days)) * 24 + Int64(hours)) * 3_600_000 + Int64(minutes) * 60_000
            + Int64(seconds) * 1000 + Int64(milliseconds)
    }

    /// The ISO text Joda prints: `P1D`, `PT0S` for nothing, seconds with three decimals where they have a fraction.
    package var text: String {
        var date = ""
        for (value, mark) in [(years, "Y"), (months, "M"), (weeks, "W"), (days, "D")] where value != 0 {
            date += "\(value)\(mark)"
        }
        var time = ""
        if hours != 0 { time += "\(hours)H" }
        if minutes != 0 { time += "\(minutes)M" }
        let total = seconds * 1000 + milliseconds
        if milliseconds != 0 {
            let digits = String(total.magnitude % 1000 + 1000).dropFirst()
            time += "\(total < 0 ? "-" : "")\(total.magnitude / 1000).\(digits)S"
        } else if seconds != 0 || (date.isEmpty && time.isEmpty) {
            time += "\(seconds)S"
        }
        return "P" + date + (time.isEmpty ? "" : "T" + time)
    }

    private static func parse(_ bytes: UnsafeBufferPointer<UInt8>) -> ISOPeriod? {
        var cursor = ISOCursor(bytes: bytes)
        guard cursor.next | 0x20 == UInt8(ascii: "p") else { return nil }
        cursor.position += 1
        var period = ISOPeriod()
        var inTime = false
        var any = false
        var lastRank = -1
        while !cursor.atEnd {
            if !inTime, cursor.next | 0x20 == UInt8(ascii: "t") {
                cursor.position += 1
                inTime = true
                lastRank = 3
                guard !cursor.atEnd else { return nil }
                continue
            }
            let negative = cursor.take("-")
            if !negative { _ = cursor.take("+") }
            // Druid prints its longest period as P2147483647D.
            guard let digits = cursor.number(upTo: 10), digits <= Int(Int32.max) else { return nil }
            let value = negative ? -digits : digits
            var fraction: Int?
            if cursor.take(".") || cursor.take(",") {
                let start = cursor.position
                guard let part = cursor.number(upTo: 9) else { return nil }
                var scaled = part * 1000
                for _ in start..<cursor.position { scaled /= 10 }
                fraction = negative ? -scaled : scaled
            }
            guard let rank = period.set(cursor.next, value, fraction: fraction, inTime: inTime), rank > lastRank else {
                return nil
            }
            cursor.position += 1
            lastRank = rank
            any = true
        }
        return any ? period : nil
    }

    /// Stores a field by its letter; its place in the order of fields, nil when the letter is wrong here.
    private mutating func set(_ letter: UInt8, _ value: Int, fraction: Int?, inTime: Bool) -> Int? {
        switch (letter | 0x20, inTime) {
        case (UInt8(ascii: "s"), true):
            seconds = value
            milliseconds = fraction ?? 0
            return 6
        case _ where fraction != nil: return nil
        case (UInt8(ascii: "y"), false):
            years = value
            return 0
        case (UInt8(ascii: "m"), false):
            months = value
            return 1
        case (UInt8(ascii: "w"), false):
            weeks = value
            return 2
        case (UInt8(ascii: "d"), false):
            days = value
            return 3
        case (UInt8(ascii: "h"), true):
            hours = value
            return 4
        case (UInt8(ascii: "m"), true):
            minutes = value
            return 5
        default: return nil
        }
    }

    /// `instant` plus `times` this period, field by field from years down, in the calendar of `zone`.
    ///
    /// Years to days keep the local time of day (a day may last 23 or 25 hours), the rest are elapsed time.
    /// Source: Joda's `BaseChronology.add` over `ZonedChronology`.
    package func added(to instant: Int64, times: Int = 1, zone: TimeZoneRules = .utc) -> Int64 {
        var moment = instant
        let monthCount = (years * 12, months)
        if monthCount.0 != 0 { moment = zone.adding(months: monthCount.0 * times, to: moment) }
        if monthCount.1 != 0 { moment = zone.adding(months: monthCount.1 * times, to: moment) }
        if weeks != 0 { moment = zone.adding(days: weeks * 7 * times, to: moment) }
        if days != 0 { moment = zone.adding(days: days * times, to: moment) }
        let rest =
            Int64(hours) * 3_600_000 + Int64(minutes) * 60_000 + Int64(seconds) * 1000 + Int64(milliseconds)
        return clampedAdd(moment, clampedMultiply(rest, Int64(times)))
    }
}

/// Sums that stay at the end of the range instead of trapping: hostile periods must not stop the process.
func clampedAdd(_ left: Int64, _ right: Int64) -> Int64 {
    let (sum, overflow) = left.addingReportingOverflow(right)
    return overflow ? (right < 0 ? .min : .max) : sum
}

func clampedMultiply(_ left: Int64, _ right: Int64) -> Int64 {
    let (product, overflow) = left.multipliedReportingOverflow(by: right)
    return overflow ? ((left < 0) == (right < 0) ? .max : .min) : product
}
