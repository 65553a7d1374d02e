/// How the buckets of two granularities lie to each other.
extension Granularity {
    /// Whether every bucket lies whole in one bucket of the other. False also where it only cannot be said.
    package func nests(in coarser: Granularity) -> Bool {
        if coarser.isAll || isNone || self == coarser { return true }
        if isAll || coarser.isNone { return false }
        if let fine = uniform {
            if let coarse = coarser.uniform {
                return coarse.milliseconds % fine.milliseconds == 0
                    && (coarse.origin &- fine.origin) % fine.milliseconds == 0
            }
            // Days, weeks, months and years begin at local midnight.
            guard case .period(let period) = coarser, period.origin == nil, period.isOfWholeDays,
                let offset = period.zone.fixedOffset, millisecondsPerDay % fine.milliseconds == 0
            else { return false }
            return (fine.origin &+ offset) % fine.milliseconds == 0
        }
        guard case .period(let fine) = self, case .period(let coarse) = coarser, fine.zone == coarse.zone,
            fine.origin == nil, coarse.origin == nil
        else { return false }
        if fine.period == ISOPeriod(days: 1) {
            return coarse.wholeMonths != nil || coarse.period == ISOPeriod(weeks: 1)
        }
        guard let months = fine.wholeMonths, let more = coarse.wholeMonths else { return false }
        return more % months == 0
    }

    /// Whether this one's buckets are shorter than the other's.
    ///
    /// - Source: `Granularity.isFinerThan`.
    package func isFiner(than other: Granularity) -> Bool { lengthAtEpoch < other.lengthAtEpoch }

    private var lengthAtEpoch: Int64 {
        let bucket = bucket(0)
        return isAll ? .max : bucket.end - bucket.start
    }
}

extension PeriodGranularity {
    /// The months of a period of months and years alone.
    fileprivate var wholeMonths: Int? {
        let months = period.years * 12 + period.months
        return months > 0 && period == ISOPeriod(years: period.years, months: period.months) ? months : nil
    }

    /// A period of days, weeks, months, years alone.
    fileprivate var isOfWholeDays: Bool {
        period
            == ISOPeriod(years: period.years, months: period.months, weeks: period.weeks, days: period.days)
    }
}
