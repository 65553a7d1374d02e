import Glibc
import LaminaBase

/// One line on standard error that says how far a task is and how fast; on a terminal it is redrawn, else written when it ends.
struct ProgressLine {
    private let width: Int?
    private let started = monotonicSeconds()
    private var lastRows: Int64 = 0
    private var lastSeconds = 0.0
    private var rate = 0.0

    init() { width = terminalWidth(STDERR_FILENO) }

    /// - Parameters:
    ///   - fraction: 0 to 1 if the size of the whole is known.
    mutating func show(_ what: String, rows: Int64, fraction: Double? = nil) {
        let seconds = monotonicSeconds() - started
        if seconds - lastSeconds >= 0.2 {
            let now = Double(rows - lastRows) / (seconds - lastSeconds)
            rate = rate == 0 ? now : 0.6 * rate + 0.4 * now
            (lastRows, lastSeconds) = (rows, seconds)
        }
        guard let width else { return }
        let text =
            "\(bar(fraction, seconds)) \(what)  \(counted(rows, "row"))  \(grouped(Int64(rate))) rows/s  \(clock(seconds))"
        complain("\r\u{1B}[K" + String(text.prefix(width - 1)))
    }

    /// Ends the line with the figures of the whole.
    mutating func end(_ what: String, rows: Int64) {
        let seconds = max(1e-3, monotonicSeconds() - started)
        let start = width == nil ? "" : "\r\u{1B}[K"
        let perSecond = rows > 0 ? "  \(grouped(Int64(Double(rows) / seconds))) rows/s" : ""
        complain("\(start)\(what)  \(counted(rows, "row"))\(perSecond)  \(clock(seconds))\n")
    }

    private func bar(_ fraction: Double?, _ seconds: Double) -> String {
        let cells = 20
        guard let fraction else {
            // Without a known end a block wanders.
            let place = Int(seconds * 5) % cells
            return "[" + String(repeating: "·", count: place) + "█" + String(repeating: "·", count: cells - 1 - place)
                + "]"
        }
        let full = min(cells, max(0, Int(fraction * Double(cells))))
        return "[" + String(repeating: "█", count: full) + String(repeating: "·", count: cells - full) + "]"
    }

    private func clock(_ seconds: Double) -> String {
        seconds < 60 ? "\(Double(Int(seconds * 10)) / 10) s" : "\(Int(seconds) / 60) min \(Int(seconds) % 60) s"
    }
}

/// Seconds of a clock that never goes back.
func monotonicSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

/// A whole number with a comma every three digits.
func grouped(_ number: Int64) -> String {
    let digits = Array(String(number.magnitude))
    var text = number < 0 ? "-" : ""
    for (index, digit) in digits.enumerated() {
        if index > 0, (digits.count - index) % 3 == 0 { text.append(",") }
        text.append(digit)
    }
    return text
}

/// So many of something: "1 row", "2,000 rows".
func counted(_ number: Int64, _ one: String, _ several: String? = nil) -> String {
    "\(grouped(number)) \(number == 1 ? one : several ?? one + "s")"
}
