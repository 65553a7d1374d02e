import LaminaBase

/// Flooring, shifting and taking apart times in milliseconds.
///
/// Source: `TimestampFloorExprMacro`, `TimestampCeilExprMacro`, `TimestampShiftExprMacro`, `TimestampExtractExprMacro`.
let timeFunctions: [ExpressionFunction] = [
    ExpressionFunction(
        "timestamp_floor",
        2...4,
        type: always(.long),
        .prepared { arguments throws(LaminaError) in
            try prepareRounding(arguments) { $0.bucketStart($1) }
        }
    ),
    ExpressionFunction(
        "timestamp_ceil",
        2...4,
        type: always(.long),
        .prepared { arguments throws(LaminaError) in
            try prepareRounding(arguments) { granularity, instant in
                let start = granularity.bucketStart(instant)
                return start == instant ? instant : granularity.next(start)
            }
        }
    ),
    ExpressionFunction("timestamp_shift", 3...4, type: always(.long), .prepared(prepareShift)),
    ExpressionFunction("timestamp_extract", 2...3, type: extractType, .prepared(prepareExtract)),
    ExpressionFunction(
        "subtract_months",
        3...3,
        type: always(.long),
        .strict { values in
            guard let first = values[0].asLong, let second = values[1].asLong else { return .null }
            let zone = zoneOrUTC(values[2].asText)
            return .long(monthsBetween(second, first, zone: zone))
        }
    ),
]

/// A zone by name; Joda's `inferTzFromString` falls back to UTC for names it does not know.
func zoneOrUTC(_ name: String?) -> TimeZoneRules {
    guard let name, !name.isEmpty else { return .utc }
    return .inferred(name)
}

/// The granularity of period, origin and zone arguments; nil when the period is null.
func floorGranularity(_ period: Value, _ origin: Value, _ zone: Value) throws(LaminaError) -> Granularity? {
    guard let text = period.asText else { return nil }
    let rules = zoneOrUTC(zone.asText)
    let start: Int64?
    switch origin {
    case .null: start = nil
    case .long(let number): start = number
    default: start = try parseInstant(origin.asText ?? "", zone: rules)
    }
    return .period(try PeriodGranularity(period: try ISOPeriod(parsing: text), zone: rules, origin: start))
}

private func argument(_ values: [Value], _ index: Int) -> Value { index < values.count ? values[index] : .null }

private func prepareRounding(
    _ arguments: PreparedArguments,
    _ round: @escaping @Sendable (Granularity, Int64) -> Int64
) throws(LaminaError) -> ExpressionFunction.StrictBody {
    let constants = (1..<4).map { $0 < arguments.count ? arguments.literal($0) : .null }
    if let period = constants[0], let origin = constants[1], let zone = constants[2] {
        guard let fixed = try floorGranularity(period, origin, zone) else {
            throw .invalidInput("the period must not be null")
        }
        return { values in values[0].asLong.map { .long(round(fixed, $0)) } ?? .null }
    }
    return { values throws(LaminaError) in
        guard let instant = values[0].asLong,
            let granularity = try floorGranularity(values[1], argument(values, 2), argument(values, 3))
        else { return .null }
        return .long(round(granularity, instant))
    }
}

private func prepareShift(_ arguments: PreparedArguments) throws(LaminaError) -> ExpressionFunction.StrictBody {
    let shift: @Sendable (Int64, ISOPeriod, Int64, TimeZoneRules) -> Value = { instant, period, times, zone in
        .long(period.added(to: instant, times: Int(Int32(truncatingIfNeeded: times)), zone: zone))
    }
    if let text = arguments.literal(1)?.asText, let zone = arguments.count > 3 ? arguments.literal(3) : .null {
        let period = try ISOPeriod(parsing: text)
        let rules = zoneOrUTC(zone.asText)
        return { values in
            guard let instant = values[0].asLong, let times = values[2].asLong else { return .null }
            return shift(instant, period, times, rules)
        }
    }
    return { values throws(LaminaError) in
        guard let instant = values[0].asLong, let text = values[1].asText, let times = values[2].asLong else {
            return .null
        }
        return shift(instant, try ISOPeriod(parsing: text), times, zoneOrUTC(argument(values, 3).asText))
    }
}

/// Parts of a time that `timestamp_extract` knows.
private enum TimeUnit: String {
    case epoch, microsecond, millisecond, second, minute, hour, day, dow, isodow, doy, week, month, quarter, year,
        isoyear
    case decade, century, millennium
}

private func extractType(_ types: [ColumnType?], _ nodes: [ExpressionNode]) -> ColumnType? {
    switch nodes[1].literalValue?.asText.flatMap({ TimeUnit(rawValue: $0.lowercased()) }) {
    case .century, .millennium: .double
    default: .long
    }
}

private func prepareExtract(_ arguments: PreparedArguments) throws(LaminaError) -> ExpressionFunction.StrictBody {
    let name = try arguments.requiredText(1, "unit")
    guard let unit = TimeUnit(rawValue: name.lowercased()) else { throw .invalidInput("'\(name)' is no unit of time") }
    let constantZone = arguments.count > 2 ? arguments.literal(2) : .null
    let fixed = constantZone.map { zoneOrUTC($0.asText) }
    return { values in
        guard let instant = values[0].asLong else { return .null }
        return extract(unit, instant, fixed ?? zoneOrUTC(argument(values, 2).asText))
    }
}

private func extract(_ unit: TimeUnit, _ instant: Int64, _ zone: TimeZoneRules) -> Value {
    if unit == .epoch { return .long(instant / 1000) }
    let local = zone.local(instant)
    let timeOfDay = floorModulo(local, millisecondsPerDay)
    let date = CivilDate(dayNumber: Int(floorDivide(local, millisecondsPerDay)))
    switch unit {
    case .epoch: return .long(instant / 1000)
    case .microsecond: return .long(timeOfDay % 1000 * 1000)
    case .millisecond: return .long(timeOfDay % 1000)
    case .second: return .long(timeOfDay / 1000 % 60)
    case .minute: return .long(timeOfDay / 60_000 % 60)
    case .hour: return .long(timeOfDay / 3_600_000)
    case .day: return .long(Int64(date.day))
    case .dow, .isodow: return .long(Int64(date.dayOfWeek))
    case .doy: return .long(Int64(date.dayOfYear))
    case .week: return .long(Int64(date.weekOfYear.week))
    case .month: return .long(Int64(date.month))
    case .quarter: return .long(Int64((date.month - 1) / 3 + 1))
    // Druid's ISOYEAR is the calendar's year, not that of the week.
    case .year, .isoyear: return .long(Int64(date.year))
    case .decade: return .long(Int64(date.year / 10))
    case .century: return .double((Double(date.year) / 100).rounded(.up))
    case .millennium: return .double((Double(date.year) / 1000).rounded(.up))
    }
}

/// Whole months from one time to another in a zone, towards zero. Source: `DateTimes.subMonths`.
private func monthsBetween(_ start: Int64, _ end: Int64, zone: TimeZoneRules) -> Int64 {
    func parts(_ instant: Int64) -> (date: CivilDate, time: Int64) {
        let local = zone.local(instant)
        return (
            CivilDate(dayNumber: Int(floorDivide(local, millisecondsPerDay))), floorModulo(local, millisecondsPerDay)
        )
    }
    let (from, fromTime) = parts(start)
    let (to, toTime) = parts(end)
    var months = (to.year - from.year) * 12 + to.month - from.month
    // The last month is whole only when adding the months does not pass the end.
    let reached = from.adding(months: months)
    let days = to.dayNumber - reached.dayNumber
    let time = toTime - fromTime
    let isShort = days < 0 || days == 0 && time < 0
    let isLong = days > 0 || days == 0 && time > 0
    if months > 0, isShort { months -= 1 }
    if months < 0, isLong { months += 1 }
    return Int64(months)
}
