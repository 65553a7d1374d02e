import LaminaBase

/// The granularity of which an interval is taken to be one bucket, when segments are compacted as they are cut.
///
/// As in Druid, numbers of units without a name of their own fall to the next smaller unit that has one.
/// - Source: Druid's `GranularityType.fromPeriod`, Joda's `Interval.toPeriod`.
func standardGranularity(_ interval: Interval) throws(LaminaError) -> Granularity {
    let fields = interval == .eternity ? [] : calendarFields(interval)
    let used = fields.indices.filter { fields[$0] != 0 }
    guard used.count == 1 else { throw notSupported(interval) }
    let named: [[(count: Int, name: String)]] = [
        [(0, "YEAR")], [(3, "QUARTER"), (1, "MONTH")], [(0, "WEEK")], [(0, "DAY")],
        [(8, "EIGHT_HOUR"), (6, "SIX_HOUR"), (1, "HOUR")],
        [
            (30, "THIRTY_MINUTE"), (15, "FIFTEEN_MINUTE"), (10, "TEN_MINUTE"), (5, "FIVE_MINUTE"), (1, "MINUTE"),
        ],
        [(0, "SECOND")], [(0, "NONE")],
    ]
    for unit in used[0]..<named.count {
        for entry in named[unit] where entry.count == 0 || entry.count == fields[used[0]] {
            if let granularity = Granularity(named: entry.name) { return granularity }
        }
    }
    throw notSupported(interval)
}

private func notSupported(_ interval: Interval) -> LaminaError {
    .invalidInput(
        "Granularity is not supported: the interval \(interval.text) is no single calendar period;"
            + " give granularitySpec.segmentGranularity"
    )
}

/// Years, months, weeks, days, hours, minutes, seconds and milliseconds from the start of an interval to its end.
private func calendarFields(_ interval: Interval) -> [Int] {
    // No month is shorter than 28 days: this many are too many or just right.
    var months = Int(interval.milliseconds / (28 * millisecondsPerDay))
    while months > 0, ISOPeriod(months: months).added(to: interval.start) > interval.end { months -= 1 }
    var rest = interval.end - ISOPeriod(months: months).added(to: interval.start)
    var fields = [months / 12, months % 12]
    for unit in [7 * millisecondsPerDay, millisecondsPerDay, 3_600_000, 60_000, 1000, 1] as [Int64] {
        fields.append(Int(rest / unit))
        rest %= unit
    }
    return fields
}
