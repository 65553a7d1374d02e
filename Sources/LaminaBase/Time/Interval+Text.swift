extension Interval {
    /// Parses `start/end`, `start/period` or `period/end`; missing parts are zero, a missing zone is UTC.
    ///
    /// Source: Joda's `Interval(Object)` in the UTC chronology (Druid's `Intervals.of`).
    package init(parsing text: String) throws(LaminaError) {
        guard let slash = text.firstIndex(of: "/") else {
            throw .invalidInput("Format requires a '/' separator: \(text)", context: ["interval": text])
        }
        let left = String(text[..<slash])
        let right = String(text[text.index(after: slash)...])
        guard !left.isEmpty, !right.isEmpty else {
            throw .invalidInput("Bad Interval[\(text)]: a start and an end are needed", context: ["interval": text])
        }
        let start: Int64
        let end: Int64
        if left.isPeriod {
            guard !right.isPeriod else {
                throw .invalidInput("Interval composed of two durations: \(text)", context: ["interval": text])
            }
            end = try parseInstant(right)
            start = try ISOPeriod(parsing: left).added(to: end, times: -1)
        } else {
            start = try parseInstant(left)
            end = try right.isPeriod ? ISOPeriod(parsing: right).added(to: start) : parseInstant(right)
        }
        guard start <= end else {
            throw .invalidInput(
                "The end instant must be greater than the start instant: \(text)",
                context: ["interval": text]
            )
        }
        self.init(start: start, end: end)
    }

    /// `2012-01-01T00:00:00.000Z/2012-01-02T00:00:00.000Z`.
    package var text: String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(49)
        appendInstantText(start, to: &bytes)
        bytes.append(UInt8(ascii: "/"))
        appendInstantText(end, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Sorted, with overlapping and abutting ones joined and empty ones dropped.
    ///
    /// Source: Druid's `JodaUtils.condenseIntervals`.
    package static func condensed(_ intervals: [Interval]) -> [Interval] {
        var result: [Interval] = []
        for interval in intervals.sorted() where !interval.isEmpty {
            if let last = result.last, interval.start <= last.end {
                result[result.count - 1] = Interval(start: last.start, end: max(last.end, interval.end))
            } else {
                result.append(interval)
            }
        }
        return result
    }
}

extension String {
    fileprivate var isPeriod: Bool { utf8.first.map { $0 | 0x20 == UInt8(ascii: "p") } ?? false }
}
