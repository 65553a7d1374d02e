import Synchronization

/// Bucket starts of a period of several calendar units, such as `P1M1D`, found by stepping from an anchor.
///
/// Each step may be clipped by a month's length or moved by daylight saving, so there is no formula; steps once taken are
/// kept. Source: Druid's `PeriodGranularity.truncateCompoundPeriod`.
final class PeriodSteps: Sendable {
    private let period: ISOPeriod
    private let zone: TimeZoneRules
    private let anchor: Int64
    private let taken: Mutex<Taken>
    /// How far from the anchor steps are taken, a thousand years. Beyond, multiples of the whole period are counted instead:
    /// no request may take memory and time by the distance of its interval. A step is a day at least.
    private static let reach = 365_250 * millisecondsPerDay

    /// Ascending starts from the anchor on, and descending ones from it back; both begin with the anchor.
    private struct Taken {
        var forward: [Int64]
        var backward: [Int64]
    }

    init(period: ISOPeriod, zone: TimeZoneRules, anchor: Int64) {
        self.period = period
        self.zone = zone
        self.anchor = anchor
        taken = Mutex(Taken(forward: [anchor], backward: [anchor]))
    }

    /// The last start at or before an instant.
    func floor(_ instant: Int64) -> Int64 {
        guard isNear(instant) else { return floorFar(instant) }
        return taken.withLock { taken in
            instant >= anchor ? floorForward(instant, &taken.forward) : floorBackward(instant, &taken.backward)
        }
    }

    /// The start after one.
    func next(_ start: Int64) -> Int64 {
        if start < anchor, isNear(start) {
            // Steps back and forth over a short month differ: the following start is the one that was stepped from.
            let following: Int64? = taken.withLock { taken in
                _ = floorBackward(start, &taken.backward)
                let place = taken.backward.partitioningIndex { $0 <= start }
                return place > 0 ? taken.backward[place - 1] : nil
            }
            if let following { return following }
        }
        return period.added(to: start, zone: zone)
    }

    private func isNear(_ instant: Int64) -> Bool {
        instant > clampedAdd(anchor, -Self.reach) && instant < clampedAdd(anchor, Self.reach)
    }

    private func floorForward(_ instant: Int64, _ starts: inout [Int64]) -> Int64 {
        while let last = starts.last, last <= instant {
            let following = period.added(to: last, zone: zone)
            guard following > last else { return last }
            starts.append(following)
        }
        return starts[starts.partitioningIndex { $0 > instant } - 1]
    }

    private func floorBackward(_ instant: Int64, _ starts: inout [Int64]) -> Int64 {
        while let last = starts.last, last > instant {
            let previous = period.added(to: last, times: -1, zone: zone)
            guard previous < last else { return last }
            starts.append(previous)
        }
        return starts[starts.partitioningIndex { $0 <= instant }]
    }

    /// By halving over how many whole periods from the anchor.
    private func floorFar(_ instant: Int64) -> Int64 {
        var low = -(1 << 40)
        var high = 1 << 40
        while low < high {
            let middle = low + (high - low + 1) / 2
            if multiple(middle) <= instant { low = middle } else { high = middle - 1 }
        }
        return min(multiple(low), instant)
    }

    private func multiple(_ count: Int) -> Int64 {
        var moment = anchor
        let months = (period.years * 12 + period.months).multipliedReportingOverflow(by: count)
        if months.overflow || abs(months.partialValue) > 3_600_000_000 { return count < 0 ? .min : .max }
        moment = zone.adding(months: months.partialValue, to: moment)
        let rest = ISOPeriod(
            weeks: period.weeks,
            days: period.days,
            hours: period.hours,
            minutes: period.minutes,
            seconds: period.seconds,
            milliseconds: period.milliseconds
        )
        return clampedAdd(moment, clampedMultiply(rest.fixedMilliseconds ?? 0, Int64(count)))
    }
}

extension [Int64] {
    /// The first place whose element is in the second part, in an array of which a first part is not and the rest is.
    fileprivate func partitioningIndex(where isSecond: (Int64) -> Bool) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if isSecond(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
