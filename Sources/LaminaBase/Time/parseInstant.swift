/// Parses an ISO 8601 instant with any of its trailing parts missing; no zone means UTC.
///
/// Dates may be `2012-01-31`, ordinal `2012-031` or week dates `2012-W05-2`; years have up to nine digits and a sign;
/// times may stop anywhere and end in a fraction; zones are `Z`, `+01:00`, `+0100`, `+01`.
/// Source: Joda's `ISODateTimeFormat.dateTimeParser()`, which Druid uses for instants and intervals.
package func parseInstant(_ text: String, zone: TimeZoneRules = .utc) throws(LaminaError) -> Int64 {
    var copy = text
    let parsed = copy.withUTF8 { parseInstant(bytes: $0, zone: zone) }
    guard let parsed else {
        throw .invalidInput("Invalid format: \"\(text)\" is not an ISO 8601 instant", context: ["text": text])
    }
    return parsed
}

/// As `parseInstant(_:)` over UTF-8 bytes, nil when they are no instant; never allocates.
///
/// - Parameter zone: the zone of texts that name none.
/// - Parameter spaceSeparates: whether date and time may also be parted by a space (`timestampSpec` format `auto`).
package func parseInstant(
    bytes: UnsafeBufferPointer<UInt8>,
    zone: TimeZoneRules = .utc,
    spaceSeparates: Bool = false
) -> Int64? {
    if let quick = parseCommonInstant(bytes) { return quick }
    var cursor = ISOCursor(bytes: bytes)
    return cursor.instant(zone: zone, spaceSeparates: spaceSeparates)
}

/// `YYYY-MM-DDTHH:MM:SS[.mmm]Z`, the form nearly all machine-written times have.
private func parseCommonInstant(_ bytes: UnsafeBufferPointer<UInt8>) -> Int64? {
    guard bytes.count == 20 || bytes.count == 24, bytes[bytes.count - 1] == UInt8(ascii: "Z"),
        bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-"), bytes[10] == UInt8(ascii: "T"),
        bytes[13] == UInt8(ascii: ":"), bytes[16] == UInt8(ascii: ":")
    else { return nil }
    var bad = false
    func pair(_ place: Int) -> Int {
        let high = bytes[place] &- 0x30
        let low = bytes[place + 1] &- 0x30
        if high > 9 || low > 9 { bad = true }
        return Int(high) * 10 + Int(low)
    }
    let year = pair(0) * 100 + pair(2)
    let (month, day, hour, minute, second) = (pair(5), pair(8), pair(11), pair(14), pair(17))
    var fraction = 0
    if bytes.count == 24 {
        guard bytes[19] == UInt8(ascii: "."), bytes[22] &- 0x30 <= 9 else { return nil }
        fraction = pair(20) * 10 + Int(bytes[22] &- 0x30)
    }
    guard !bad, month >= 1, month <= 12, day >= 1, day <= CivilDate.days(inMonth: month, of: year),
        hour < 24, minute < 60, second < 60
    else { return nil }
    let days = CivilDate(year: year, month: month, day: day).dayNumber
    return Int64(days) * millisecondsPerDay + Int64(((hour * 60 + minute) * 60 + second) * 1000 + fraction)
}

/// A reading position in the bytes of an ISO text.
struct ISOCursor {
    let bytes: UnsafeBufferPointer<UInt8>
    var position = 0

    init(bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

    var atEnd: Bool { position == bytes.count }
    var next: UInt8 { position < bytes.count ? bytes[position] : 0 }

    mutating func take(_ mark: Unicode.Scalar) -> Bool {
        guard position < bytes.count, UInt32(bytes[position]) == mark.value else { return false }
        position += 1
        return true
    }

    /// One to `limit` digits.
    mutating func number(upTo limit: Int) -> Int? {
        let start = position
        var value = 0
        while position < bytes.count, position - start < limit, bytes[position] &- 0x30 <= 9 {
            value = value * 10 + Int(bytes[position] &- 0x30)
            position += 1
        }
        return position > start ? value : nil
    }

    mutating func instant(zone: TimeZoneRules, spaceSeparates: Bool) -> Int64? {
        var days = 0
        let timeOnly = next | 0x20 == UInt8(ascii: "t")
        if !timeOnly {
            guard let date = date() else { return nil }
            days = date
        }
        var inDay: Int64 = 0
        var offset: Int64?
        if next | 0x20 == UInt8(ascii: "t") || (spaceSeparates && next == UInt8(ascii: " ")) {
            position += 1
            if next &- 0x30 <= 9 {
                guard let time = time() else { return nil }
                inDay = time
            } else if timeOnly {
                return nil
            }
            if !atEnd {
                guard let parsed = self.offset() else { return nil }
                offset = parsed
            }
        }
        guard atEnd else { return nil }
        let (local, overflow) = (Int64(days)).multipliedReportingOverflow(by: millisecondsPerDay)
        guard !overflow else { return nil }
        let moment = local.addingReportingOverflow(inDay)
        guard !moment.overflow else { return nil }
        if let offset {
            let shifted = moment.partialValue.subtractingReportingOverflow(offset)
            return shifted.overflow ? nil : shifted.partialValue
        }
        return zone.instant(ofLocal: moment.partialValue)
    }

    /// A date element; the day number.
    private mutating func date() -> Int? {
        let negative = take("-")
        if !negative { _ = take("+") }
        guard let digits = number(upTo: 9), digits <= 292_278_993 else { return nil }
        let year = negative ? -digits : digits
        guard take("-") else { return CivilDate(year: year, month: 1, day: 1).dayNumber }
        if take("W") {
            guard let week = number(upTo: 2), week >= 1, week <= 53 else { return nil }
            let monday = CivilDate.weekStart(year: year, week: week)
            guard CivilDate(dayNumber: monday + 3).year == year else { return nil }
            guard take("-") else { return monday }
            guard let day = number(upTo: 1), day >= 1, day <= 7 else { return nil }
            return monday + day - 1
        }
        let start = position
        guard let first = number(upTo: 3) else { return nil }
        if position - start == 3 {
            guard first >= 1, first <= (CivilDate.isLeap(year) ? 366 : 365) else { return nil }
            return CivilDate(year: year, month: 1, day: 1).dayNumber + first - 1
        }
        guard first >= 1, first <= 12 else { return nil }
        guard take("-") else { return CivilDate(year: year, month: first, day: 1).dayNumber }
        guard let day = number(upTo: 2), day >= 1, day <= CivilDate.days(inMonth: first, of: year) else { return nil }
        return CivilDate(year: year, month: first, day: day).dayNumber
    }

    /// A time element; milliseconds of the day.
    private mutating func time() -> Int64? {
        guard let hour = number(upTo: 2), hour < 24 else { return nil }
        var total = Int64(hour) * 3_600_000
        if let part = fraction(of: 3_600_000) { return total + part }
        guard take(":") else { return total }
        guard let minute = number(upTo: 2), minute < 60 else { return nil }
        total += Int64(minute) * 60_000
        if let part = fraction(of: 60_000) { return total + part }
        guard take(":") else { return total }
        guard let second = number(upTo: 2), second < 60 else { return nil }
        total += Int64(second) * 1000
        return total + (fraction(of: 1000) ?? 0)
    }

    /// `.5` or `,5` of a unit of `milliseconds`, truncated; up to nine digits.
    private mutating func fraction(of milliseconds: Int64) -> Int64? {
        let start = position
        guard take(".") || take(",") else { return nil }
        let first = position
        guard let digits = number(upTo: 9) else {
            position = start
            return nil
        }
        var scale: Int64 = 1
        for _ in first..<position { scale *= 10 }
        return Int64(digits) * milliseconds / scale
    }

    /// `Z` or an offset from UTC, in milliseconds.
    mutating func offset() -> Int64? {
        if next | 0x20 == UInt8(ascii: "z") {
            position += 1
            return 0
        }
        let negative = take("-")
        guard negative || take("+") else { return nil }
        guard let hours = number(upTo: 2), hours < 24 else { return nil }
        var size = Int64(hours) * 3_600_000
        var unit: Int64 = 60_000
        while unit >= 1000, !atEnd {
            _ = take(":")
            guard let part = number(upTo: 2), part < 60 else { return nil }
            size += Int64(part) * unit
            unit /= 60
        }
        if take(".") || take(",") {
            guard let part = number(upTo: 3) else { return nil }
            size += Int64(part)
        }
        return negative ? -size : size
    }
}
