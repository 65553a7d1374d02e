/// How time is cut into buckets. Source: Druid's `Granularity` and its subclasses.
package enum Granularity: Sendable, Hashable {
    /// One bucket for everything.
    case all
    /// Every millisecond by itself.
    case none
    /// Buckets of a fixed length, one of them beginning at `origin` (both in milliseconds).
    case duration(milliseconds: Int64, origin: Int64)
    case period(PeriodGranularity)

    /// A simple granularity by its name, letter case ignored; nil when there is none of that name.
    package init?(named name: String) {
        switch name.uppercased() {
        case "ALL": self = .all
        case "NONE": self = .none
        case let upper:
            guard let period = Self.standardNames.first(where: { $0.name == upper })?.period else { return nil }
            self = .period(PeriodGranularity(standard: period))
        }
    }

    package static let second = Granularity.period(PeriodGranularity(standard: ISOPeriod(seconds: 1)))
    package static let minute = Granularity.period(PeriodGranularity(standard: ISOPeriod(minutes: 1)))
    package static let hour = Granularity.period(PeriodGranularity(standard: ISOPeriod(hours: 1)))
    package static let day = Granularity.period(PeriodGranularity(standard: ISOPeriod(days: 1)))
    package static let month = Granularity.period(PeriodGranularity(standard: ISOPeriod(months: 1)))
    package static let year = Granularity.period(PeriodGranularity(standard: ISOPeriod(years: 1)))

    /// The UTC periods that have names, Druid's `GranularityType`.
    static let standardNames: [(name: String, period: ISOPeriod)] = [
        ("SECOND", ISOPeriod(seconds: 1)), ("MINUTE", ISOPeriod(minutes: 1)), ("FIVE_MINUTE", ISOPeriod(minutes: 5)),
        ("TEN_MINUTE", ISOPeriod(minutes: 10)), ("FIFTEEN_MINUTE", ISOPeriod(minutes: 15)),
        ("THIRTY_MINUTE", ISOPeriod(minutes: 30)), ("HOUR", ISOPeriod(hours: 1)), ("SIX_HOUR", ISOPeriod(hours: 6)),
        ("EIGHT_HOUR", ISOPeriod(hours: 8)), ("DAY", ISOPeriod(days: 1)), ("WEEK", ISOPeriod(weeks: 1)),
        ("MONTH", ISOPeriod(months: 1)), ("QUARTER", ISOPeriod(months: 3)), ("YEAR", ISOPeriod(years: 1)),
    ]

    package var isAll: Bool { self == .all }
    package var isNone: Bool { self == .none }

    /// The zone in which buckets are cut and result timestamps are printed.
    package var zone: TimeZoneRules {
        if case .period(let period) = self { period.zone } else { .utc }
    }

    /// Length and start of some bucket when all buckets are equally long, for kernels that divide; nil for `all` and
    /// for calendar periods.
    package var uniform: (milliseconds: Int64, origin: Int64)? {
        switch self {
        case .all: nil
        case .none: (1, 0)
        case .duration(let length, let origin): (length, origin)
        case .period(let period): period.uniform
        }
    }

    /// The start of the bucket that holds an instant; `all` has the earliest instant there is.
    package func bucketStart(_ instant: Int64) -> Int64 {
        switch self {
        case .all: Interval.eternity.start
        case .none: instant
        case .duration(let length, let origin): floorTo(instant, length: length, origin: origin)
        case .period(let period): period.bucketStart(instant)
        }
    }

    /// The start of the bucket after the one that starts at `start`, which is this one's end.
    package func next(_ start: Int64) -> Int64 {
        switch self {
        case .all: Interval.eternity.end
        case .none: clampedAdd(start, 1)
        case .duration(let length, _): clampedAdd(start, length)
        case .period(let period): period.next(start)
        }
    }

    /// The bucket that holds an instant.
    package func bucket(_ instant: Int64) -> Interval {
        if isAll { return .eternity }
        let start = bucketStart(instant)
        return Interval(start: start, end: max(next(start), start))
    }

    /// The buckets that meet an interval, whole ones, in ascending order, made one at a time; `all` gives the interval.
    package func buckets(in interval: Interval) -> BucketSequence {
        BucketSequence(granularity: self, interval: interval)
    }

    /// A bucket's start as results print it: ISO text with the zone's offset.
    package func timestampText(_ start: Int64) -> String { instantText(start, zone: zone) }

    /// Whether an interval is exactly one bucket.
    package func isAligned(_ interval: Interval) -> Bool {
        isAll ? interval == .eternity : bucket(interval.start) == interval
    }
}

/// Buckets of a granularity over an interval, computed on demand.
package struct BucketSequence: Sequence, IteratorProtocol, Sendable {
    private let granularity: Granularity
    private let end: Int64
    private var start: Int64
    private var isDone: Bool

    init(granularity: Granularity, interval: Interval) {
        self.granularity = granularity
        end = interval.end
        isDone = interval.isEmpty
        start = granularity.isAll ? interval.start : granularity.bucketStart(interval.start)
    }

    package mutating func next() -> Interval? {
        guard !isDone, start < end else { return nil }
        if granularity.isAll {
            isDone = true
            return Interval(start: start, end: end)
        }
        let following = granularity.next(start)
        guard following > start else {
            isDone = true
            return nil
        }
        defer { start = following }
        return Interval(start: start, end: following)
    }
}

/// The last point of the grid `origin + n × length` at or before `instant`.
@inline(__always) func floorTo(_ instant: Int64, length: Int64, origin: Int64) -> Int64 {
    let (distance, overflow) = instant.subtractingReportingOverflow(floorModulo(origin, length))
    return overflow ? instant : clampedAdd(instant, -floorModulo(distance, length))
}
