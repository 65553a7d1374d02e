/// Buckets of a calendar period in a time zone. Source: Druid's `PeriodGranularity`.
///
/// A single unit without an origin is cut at calendar boundaries of the zone; several of a unit, or an origin given, at
/// multiples from the origin (default: local midnight of 1970-01-01); several units together by fixed milliseconds where
/// the zone never changes its offset, else by stepping from the origin.
package struct PeriodGranularity: Sendable, Hashable {
    package let period: ISOPeriod
    package let zone: TimeZoneRules
    /// As given; nil when the default counts.
    package let origin: Int64?

    private enum Rule: Hashable {
        case uniform(Int64)
        case calendarMonths(Int)
        case calendarWeek
        case calendarDay
        /// Local clock units of an hour or less in a zone with offset changes.
        case clock(Int64)
        case monthsFromOrigin(Int)
        case daysFromOrigin(Int)
        case elapsedFromOrigin(Int64)
        case stepping
    }
    private let rule: Rule
    /// Where multiples are counted from, an instant.
    private let anchor: Int64
    /// For `stepping` alone.
    private let steps: PeriodSteps?

    package static func == (left: PeriodGranularity, right: PeriodGranularity) -> Bool {
        left.period == right.period && left.zone == right.zone && left.origin == right.origin
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(period)
        hasher.combine(zone)
        hasher.combine(origin)
    }

    /// The period in UTC.
    init(standard period: ISOPeriod) {
        self.init(checked: period, zone: .utc, origin: nil)
    }

    /// Throws `invalidInput` when the period is empty or goes backwards.
    package init(period: ISOPeriod, zone: TimeZoneRules = .utc, origin: Int64? = nil) throws(LaminaError) {
        guard !period.isZero else {
            throw .invalidInput("zero period is not acceptable in PeriodGranularity!", context: ["period": period.text])
        }
        guard period.fields.allSatisfy({ $0 >= 0 && $0 <= Int(Int32.max) }) else {
            throw .invalidInput(
                "the period \(period.text) of a granularity must not have negative parts",
                context: ["period": period.text]
            )
        }
        self.init(checked: period, zone: zone, origin: origin)
    }

    private init(checked period: ISOPeriod, zone: TimeZoneRules, origin: Int64?) {
        self.period = period
        self.zone = zone
        self.origin = origin
        anchor = origin ?? zone.instant(ofLocal: 0)
        rule = Self.rule(of: period, zone: zone, hasOrigin: origin != nil)
        steps = rule == .stepping ? PeriodSteps(period: period, zone: zone, anchor: anchor) : nil
    }

    private static func rule(of period: ISOPeriod, zone: TimeZoneRules, hasOrigin: Bool) -> Rule {
        let isFixed = zone.fixedOffset != nil
        if period.fields.count(where: { $0 != 0 }) > 1 {
            if isFixed, let length = period.fixedMilliseconds { return .uniform(length) }
            // Hours and less are elapsed time in any zone.
            if period.fields[..<4].allSatisfy({ $0 == 0 }), let length = period.fixedMilliseconds {
                return .elapsedFromOrigin(length)
            }
            return .stepping
        }
        if period.years > 0 {
            return period.years > 1 || hasOrigin ? .monthsFromOrigin(period.years * 12) : .calendarMonths(12)
        }
        if period.months > 0 {
            return period.months > 1 || hasOrigin ? .monthsFromOrigin(period.months) : .calendarMonths(1)
        }
        if period.weeks > 0 {
            if period.weeks == 1, !hasOrigin { return .calendarWeek }
            return isFixed ? .uniform(Int64(period.weeks) * 7 * millisecondsPerDay) : .daysFromOrigin(period.weeks * 7)
        }
        if period.days > 0 {
            if period.days == 1, !hasOrigin { return isFixed ? .uniform(millisecondsPerDay) : .calendarDay }
            return isFixed ? .uniform(Int64(period.days) * millisecondsPerDay) : .daysFromOrigin(period.days)
        }
        let length = period.fixedMilliseconds ?? 1
        if isFixed { return .uniform(length) }
        let isSingle = length == 3_600_000 || length == 60_000 || length == 1000
        return isSingle && !hasOrigin && period.milliseconds == 0 ? .clock(length) : .elapsedFromOrigin(length)
    }

    /// See `Granularity.uniform`.
    package var uniform: (milliseconds: Int64, origin: Int64)? {
        switch rule {
        case .uniform(let length): (length, anchor)
        case .elapsedFromOrigin(let length): (length, anchor)
        case .calendarWeek where zone.fixedOffset != nil: (7 * millisecondsPerDay, anchor - 3 * millisecondsPerDay)
        default: nil
        }
    }

    package func bucketStart(_ asked: Int64) -> Int64 {
        // Beyond Druid's time sums would stop at the end of the range, and loops over them never.
        let instant = min(max(asked, Interval.eternity.start), Interval.eternity.end)
        return switch rule {
        case .uniform(let length), .elapsedFromOrigin(let length): floorTo(instant, length: length, origin: anchor)
        case .calendarMonths(let months): calendarFloor(instant, months: months)
        case .calendarWeek: dayFloor(instant, weekly: true)
        case .calendarDay: dayFloor(instant, weekly: false)
        case .clock(let length): clockFloor(instant, length: length)
        case .monthsFromOrigin(let months): monthsFloor(instant, months: months)
        case .daysFromOrigin(let days): daysFloor(instant, days: days)
        case .stepping: steps?.floor(instant) ?? instant
        }
    }

    /// The end of the bucket that starts at `start`: where the next one starts.
    ///
    /// Joda adds the period to `start`, which drifts once a start was clipped by a short month or moved by a gap of
    /// daylight saving; here the next start is counted as `bucketStart` counts.
    package func next(_ start: Int64) -> Int64 {
        switch rule {
        case .uniform(let length), .elapsedFromOrigin(let length), .clock(let length): clampedAdd(start, length)
        case .calendarMonths(let months):
            zone.instant(ofLocal: midnight(localDate(start).adding(months: months).dayNumber))
        case .calendarWeek: zone.instant(ofLocal: midnight(localDate(start).dayNumber + 7))
        case .calendarDay: zone.instant(ofLocal: midnight(localDate(start).dayNumber + 1))
        case .monthsFromOrigin(let months):
            zone.adding(months: (monthCount(start, months: months) + 1) * months, to: anchor)
        case .daysFromOrigin(let days): zone.adding(days: (dayCount(start, days: days) + 1) * days, to: anchor)
        case .stepping: steps?.next(start) ?? start
        }
    }

    private func localDate(_ instant: Int64) -> CivilDate {
        CivilDate(dayNumber: Int(floorDivide(zone.local(instant), millisecondsPerDay)))
    }

    private func midnight(_ dayNumber: Int) -> Int64 { clampedMultiply(Int64(dayNumber), millisecondsPerDay) }

    private func calendarFloor(_ instant: Int64, months: Int) -> Int64 {
        let offset = zone.offset(at: instant)
        let date = CivilDate(dayNumber: Int(floorDivide(clampedAdd(instant, offset), millisecondsPerDay)))
        let first = CivilDate(year: date.year, month: months == 12 ? 1 : date.month, day: 1)
        return zone.instant(ofLocal: clampedMultiply(Int64(first.dayNumber), millisecondsPerDay), preferring: offset)
    }

    private func dayFloor(_ instant: Int64, weekly: Bool) -> Int64 {
        let offset = zone.offset(at: instant)
        var day = floorDivide(clampedAdd(instant, offset), millisecondsPerDay)
        if weekly { day -= floorModulo(day + 3, 7) }
        return zone.instant(ofLocal: clampedMultiply(day, millisecondsPerDay), preferring: offset)
    }

    private func clockFloor(_ instant: Int64, length: Int64) -> Int64 {
        let offset = zone.offset(at: instant)
        return clampedAdd(instant, -floorModulo(clampedAdd(instant, offset), length))
    }

    private func monthsFloor(_ instant: Int64, months: Int) -> Int64 {
        zone.adding(months: monthCount(instant, months: months) * months, to: anchor)
    }

    /// How many whole buckets lie between the anchor and an instant, negative before it.
    private func monthCount(_ instant: Int64, months: Int) -> Int {
        let from = localDate(anchor)
        let to = localDate(instant)
        let count = floorDivide((to.year - from.year) * 12 + to.month - from.month, months)
        // The anchor's day and time may lie later in the month than the instant's.
        return zone.adding(months: count * months, to: anchor) > instant ? count - 1 : count
    }

    private func daysFloor(_ instant: Int64, days: Int) -> Int64 {
        zone.adding(days: dayCount(instant, days: days) * days, to: anchor)
    }

    private func dayCount(_ instant: Int64, days: Int) -> Int {
        let distance = floorDivide(clampedAdd(zone.local(instant), -zone.local(anchor)), millisecondsPerDay)
        var count = Int(floorDivide(distance, Int64(days)))
        // A change of offset in between may put the instant on the other side of a boundary.
        while zone.adding(days: count * days, to: anchor) > instant { count -= 1 }
        while zone.adding(days: (count + 1) * days, to: anchor) <= instant { count += 1 }
        return count
    }
}
