import Glibc

extension TimeZoneRules {
    /// The zones of the short names Joda reads, as in `2015-01-01 EST`.
    private static let shortNames = [
        "UT": "UTC", "UTC": "UTC", "GMT": "UTC", "EST": "America/New_York", "EDT": "America/New_York",
        "CST": "America/Chicago", "CDT": "America/Chicago", "MST": "America/Denver", "MDT": "America/Denver",
        "PST": "America/Los_Angeles", "PDT": "America/Los_Angeles",
    ]

    /// The zone of a short name. Source: Joda's `DateTimeUtils.getDefaultTimeZoneNames`.
    static func abbreviated(_ name: String) throws(LaminaError) -> TimeZoneRules {
        guard let id = shortNames[name] else {
            throw .invalidInput("The datetime zone name '\(name)' is not recognised", context: ["timeZone": name])
        }
        return try named(id)
    }

    /// The zone of a name in a query: also Java's short names and `GMT+9`; one that nobody knows is UTC.
    ///
    /// Source: Druid's `DateTimes.inferTzFromString`, `java.util.TimeZone.getTimeZone`.
    package static func inferred(_ name: String) -> TimeZoneRules {
        if let zone = (try? named(name)) ?? (try? abbreviated(name)) { return zone }
        guard name.hasPrefix("GMT") else { return .utc }
        var text = String(name.dropFirst(3))
        let digits = text.utf8.dropFirst().prefix { $0 &- 0x30 <= 9 }
        if digits.count == 1, let sign = text.first { text = "\(sign)0\(text.dropFirst())" }
        return (try? named(text)) ?? .utc
    }

    /// A short name for printing: the usual one of the zone where it is known, else the offset.
    func abbreviation(at instant: Int64) -> String {
        if isUTC { return "UTC" }
        let offset = offset(at: instant)
        for (name, id) in Self.shortNames where id == self.id && id != "UTC" {
            let isDaylight = name.hasSuffix("DT")
            let other = self.offset(at: clampedAdd(instant, 182 * millisecondsPerDay))
            let isNowDaylight = offset > min(offset, other)
            if isDaylight == isNowDaylight { return name }
        }
        var bytes: [UInt8] = []
        appendOffset(offset, colon: true, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension JodaPattern {
    /// Two-digit years lie within fifty years of this one, thirty years before the present. Source: `DateTimeFormat`.
    static let pivotYear: Int = CivilDate(dayNumber: time(nil) / 86_400).year - 30
}
