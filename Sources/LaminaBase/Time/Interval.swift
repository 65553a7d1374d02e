/// A half-open range of instants, milliseconds since 1970-01-01T00:00:00Z: `start` inclusive, `end` exclusive.
package struct Interval: Sendable, Hashable, Comparable {
    package var start: Int64
    package var end: Int64

    package init(start: Int64, end: Int64) {
        precondition(start <= end, "an interval ends before it starts")
        self.start = start
        self.end = end
    }

    /// All of Druid's time: years -146136543 to 146140482.
    package static let eternity = Interval(start: Int64.min / 2, end: Int64.max / 2)

    package var isEmpty: Bool { start == end }
    package var milliseconds: Int64 { end - start }
    package func contains(_ instant: Int64) -> Bool { start <= instant && instant < end }
    package func contains(_ other: Interval) -> Bool { start <= other.start && other.end <= end }
    package func overlaps(_ other: Interval) -> Bool { start < other.end && other.start < end }

    package func intersection(_ other: Interval) -> Interval? {
        let low = max(start, other.start)
        let high = min(end, other.end)
        return low < high ? Interval(start: low, end: high) : nil
    }

    /// By start, then by end (Druid's `Comparators.intervalsByStartThenEnd`).
    package static func < (left: Interval, right: Interval) -> Bool {
        (left.start, left.end) < (right.start, right.end)
    }
}
