package import LaminaBase

/// Reads a row's time from its field, in the format of the `timestampSpec`.
///
/// Source: Druid's `TimestampParser`: text is taken without surrounding quotes, a number by the unit of the format (of the text
/// formats: milliseconds).
package struct TimestampParser: Sendable {
    enum Format: Sendable {
        case auto
        case iso
        case posix
        case millis
        case micro
        case nano
        case ruby
        case pattern(JodaPattern)
    }

    let format: Format

    package init(format: String) throws(LaminaError) {
        switch format.lowercased() {
        case "auto": self.format = .auto
        case "iso": self.format = .iso
        case "posix": self.format = .posix
        case "millis": self.format = .millis
        case "micro": self.format = .micro
        case "nano": self.format = .nano
        case "ruby": self.format = .ruby
        default: self.format = .pattern(try JodaPattern(format))
        }
    }

    /// The instant of a whole number.
    func instant(_ number: Int64) -> Int64? {
        switch format {
        case .posix: number.multipliedReportingOverflow(by: 1000).overflow ? nil : number * 1000
        case .micro: number / 1000
        case .nano: number / 1_000_000
        case .ruby: number.multipliedReportingOverflow(by: 1000).overflow ? nil : number * 1000
        default: number
        }
    }

    /// The instant of a fractional number: only `ruby` has use for the fraction.
    func instant(_ number: Double) -> Int64? {
        if case .ruby = format { return Int64(exactly: (number * 1000).rounded(.towardZero)) }
        guard let whole = Int64(exactly: number.rounded(.towardZero)) else { return nil }
        return instant(whole)
    }

    /// The instant of a text; nil when it cannot be read.
    func instant(_ raw: UnsafeRawBufferPointer) -> Int64? {
        let text = withoutQuotes(raw)
        guard !text.isEmpty else { return nil }
        let bytes = text.assumingMemoryBound(to: UInt8.self)
        switch format {
        case .iso: return parseDate(bytes) ?? parseInstant(bytes: bytes)
        case .auto: return automatic(bytes)
        case .posix, .millis, .micro, .nano:
            guard let number = parseWhole(bytes) else { return nil }
            return instant(number)
        case .ruby: return Double(String(decoding: bytes, as: UTF8.self)).flatMap { instant($0) }
        case .pattern(let pattern):
            if pattern.pattern == "yyyy-MM-dd", let quick = parseDate(bytes) { return quick }
            return pattern.parse(bytes: bytes)
        }
    }

    /// Digits are milliseconds; else ISO with `T` or a space. A zone's name behind a space is accepted but does not move the
    /// instant: Druid applies it to the parsed time only as the zone to show it in (gold `ts_auto`).
    private func automatic(_ bytes: UnsafeBufferPointer<UInt8>) -> Int64? {
        if let number = parseWhole(bytes) { return number }
        if let instant = parseInstant(bytes: bytes, spaceSeparates: true) { return instant }
        guard let space = bytes.lastIndex(of: UInt8(ascii: " ")), space >= 10 else { return nil }
        let name = String(decoding: UnsafeBufferPointer(rebasing: bytes[(space + 1)...]), as: UTF8.self)
        guard (try? TimeZoneRules.named(name)) != nil else { return nil }
        return parseInstant(bytes: UnsafeBufferPointer(rebasing: bytes[..<space]), spaceSeparates: true)
    }

    private func withoutQuotes(_ text: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        guard text.count >= 2, text[0] == UInt8(ascii: "\""), text[text.count - 1] == UInt8(ascii: "\"") else {
            return text
        }
        return UnsafeRawBufferPointer(rebasing: text[1..<text.count - 1])
    }
}

/// `YYYY-MM-DD` alone, the commonest date of all.
private func parseDate(_ bytes: UnsafeBufferPointer<UInt8>) -> Int64? {
    guard bytes.count == 10, bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-") else { return nil }
    var bad = false
    @inline(__always) func digit(_ place: Int) -> Int {
        let value = bytes[place] &- 0x30
        if value > 9 { bad = true }
        return Int(value)
    }
    let year = digit(0) * 1000 + digit(1) * 100 + digit(2) * 10 + digit(3)
    let month = digit(5) * 10 + digit(6)
    let day = digit(8) * 10 + digit(9)
    guard !bad, (1...12).contains(month), day >= 1, day <= CivilDate.days(inMonth: month, of: year) else { return nil }
    return Int64(CivilDate(year: year, month: month, day: day).dayNumber) * millisecondsPerDay
}
