import Glibc
package import LaminaBase

/// Rows per second, averaged with weights that fall off over 1, 5 and 15 minutes.
///
/// Source: Dropwizard's `Meter` and `EWMA`, which Druid's `DropwizardRowIngestionMeters` uses: every five seconds the rate since the
/// last time goes in; the first one is taken as it is.
package struct StreamMeter: Sendable {
    private static let tickMillis: Int64 = 5000
    private static let kinds = 5

    private var last: Int64
    private var isFirst = true
    private var waiting = [Int64](repeating: 0, count: kinds)
    /// By minutes, then by kind; rows a nanosecond.
    private var rates = [[Double]](repeating: [Double](repeating: 0, count: kinds), count: 3)
    private static let minutes: [Double] = [1, 5, 15]

    package init(now: Int64) { last = now }

    package mutating func add(_ counts: StreamCounts, now: Int64) {
        tick(now)
        for (kind, count) in [
            counts.processed, counts.processedBytes, counts.unparseable, counts.thrownAway, counts.processedWithError,
        ].enumerated() {
            waiting[kind] &+= count
        }
    }

    private mutating func tick(_ now: Int64) {
        let age = now &- last
        // A clock that was set back starts anew.
        if age < 0 { last = now }
        guard age > Self.tickMillis else { return }
        last = now - age % Self.tickMillis
        // After so many all is forgotten.
        for _ in 0..<min(age / Self.tickMillis, 100_000) { tickOnce() }
    }

    private mutating func tickOnce() {
        for kind in 0..<Self.kinds {
            let rate = Double(waiting[kind]) / (Double(Self.tickMillis) * 1e6)
            waiting[kind] = 0
            for (place, minutes) in Self.minutes.enumerated() {
                let alpha = 1 - exp(-5.0 / 60.0 / minutes)
                if isFirst {
                    rates[place][kind] = rate
                } else {
                    rates[place][kind] += alpha * (rate - rates[place][kind])
                }
            }
        }
        isFirst = false
    }

    /// `{"5m": {"processed": …}, "15m": …, "1m": …}` in Druid's order.
    package mutating func json(now: Int64) -> JSON {
        tick(now)
        var out = JSONObject()
        for (name, place) in [("5m", 1), ("15m", 2), ("1m", 0)] {
            let perSecond = rates[place].map { $0 * 1e9 }
            out[name] = [
                "processed": .double(perSecond[0]), "processedBytes": .double(perSecond[1]),
                "unparseable": .double(perSecond[2]), "thrownAway": .double(perSecond[3]),
                "processedWithError": .double(perSecond[4]),
            ]
        }
        return .object(out)
    }
}

/// What a stream took in, and how fast.
package struct StreamCounters: Sendable {
    package var totals: StreamCounts
    /// `{"5m": …, "15m": …, "1m": …}`.
    package var movingAverages: JSON

    package init(totals: StreamCounts = StreamCounts(), movingAverages: JSON = [:]) {
        self.totals = totals
        self.movingAverages = movingAverages
    }
}
