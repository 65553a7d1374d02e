/// A day of the proleptic Gregorian calendar, years counted astronomically (year 0 exists), as Joda's ISO chronology has it.
package struct CivilDate: Sendable, Hashable {
    package var year: Int
    /// 1...12.
    package var month: Int
    /// 1...31.
    package var day: Int

    package init(year: Int, month: Int, day: Int) {
        self.year = year
        self.month = month
        self.day = day
    }

    /// The date of a day number, 0 being 1970-01-01.
    package init(dayNumber: Int) {
        // Eras of 400 years beginning on 1 March, so that the leap day ends a year.
        let shifted = dayNumber + 719_468
        let era = floorDivide(shifted, 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }

    /// Days since 1970-01-01.
    package var dayNumber: Int {
        let shiftedYear = month <= 2 ? year - 1 : year
        let era = floorDivide(shiftedYear, 400)
        let yearOfEra = shiftedYear - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    /// 1 (Monday) ... 7 (Sunday).
    package var dayOfWeek: Int { floorModulo(dayNumber + 3, 7) + 1 }

    /// 1...366.
    package var dayOfYear: Int { dayNumber - CivilDate(year: year, month: 1, day: 1).dayNumber + 1 }

    /// ISO 8601 week: the week's year, and 1...53.
    package var weekOfYear: (year: Int, week: Int) {
        let thursday = CivilDate(dayNumber: dayNumber - dayOfWeek + 4)
        return (thursday.year, (thursday.dayOfYear - 1) / 7 + 1)
    }

    package static func isLeap(_ year: Int) -> Bool { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }

    package static func days(inMonth month: Int, of year: Int) -> Int {
        switch month {
        case 2: isLeap(year) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// The date `count` months later (earlier when negative); a day the month lacks becomes its last day.
    package func adding(months count: Int) -> CivilDate {
        let total = year * 12 + (month - 1) + count
        let newYear = floorDivide(total, 12)
        let newMonth = total - newYear * 12 + 1
        return CivilDate(year: newYear, month: newMonth, day: min(day, Self.days(inMonth: newMonth, of: newYear)))
    }

    /// The Monday of an ISO week.
    static func weekStart(year: Int, week: Int) -> Int {
        let fourth = CivilDate(year: year, month: 1, day: 4)
        return fourth.dayNumber - fourth.dayOfWeek + 1 + (week - 1) * 7
    }
}

package let millisecondsPerDay: Int64 = 86_400_000

/// Division rounding towards minus infinity; `divisor` > 0.
@inlinable package func floorDivide<Number: FixedWidthInteger>(_ value: Number, _ divisor: Number) -> Number {
    let quotient = value / divisor
    return value % divisor < 0 ? quotient - 1 : quotient
}

/// The remainder that goes with `floorDivide`, always 0..<divisor.
@inlinable package func floorModulo<Number: FixedWidthInteger>(_ value: Number, _ divisor: Number) -> Number {
    let remainder = value % divisor
    return remainder < 0 ? remainder + divisor : remainder
}
