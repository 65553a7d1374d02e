import Synchronization

/// A time zone: an identifier and what it is ahead of UTC at every instant. Equal when the identifiers are.
///
/// Named zones come from the system's TZif files with their POSIX footers; times before the first known transition have
/// the zone's local mean time. Source: Joda's `DateTimeZone` (same rules for gaps and overlaps).
package struct TimeZoneRules: Sendable, Hashable {
    /// As given: `UTC`, `America/Los_Angeles`, `+05:30`.
    package let id: String
    private let table: TransitionTable

    private init(id: String, table: TransitionTable) {
        self.id = id
        self.table = table
    }

    package static let utc = TimeZoneRules(id: "UTC", table: TransitionTable(fixed: 0))

    /// A zone that is always `offset` milliseconds ahead of UTC.
    package static func fixed(_ offset: Int64) -> TimeZoneRules {
        guard offset != 0 else { return .utc }
        var bytes: [UInt8] = []
        appendOffset(offset, colon: true, to: &bytes)
        return TimeZoneRules(id: String(decoding: bytes, as: UTF8.self), table: TransitionTable(fixed: offset))
    }

    /// The zone of an identifier: `UTC`, `Z`, an offset (`+05:30`, `-0330`), or an IANA name.
    package static func named(_ name: String) throws(LaminaError) -> TimeZoneRules {
        switch name {
        case "UTC", "Z", "z", "UT", "GMT", "Etc/UTC", "Etc/GMT", "Etc/UCT", "Zulu", "Etc/Zulu", "UCT", "Universal":
            return .utc
        default: break
        }
        if name.hasPrefix("+") || name.hasPrefix("-") {
            var copy = name
            let offset = copy.withUTF8 { bytes -> Int64? in
                var cursor = ISOCursor(bytes: bytes)
                guard let offset = cursor.offset(), cursor.atEnd else { return nil }
                return offset
            }
            guard let offset else { throw unknown(name) }
            return fixed(offset)
        }
        if let known = loaded.withLock({ $0[name] }) { return known }
        guard isPlausible(name), let data = readZoneFile(name) else { throw unknown(name) }
        let zone = TimeZoneRules(id: name, table: try TransitionTable(tzif: data, name: name))
        loaded.withLock { $0[name] = zone }
        return zone
    }

    private static let loaded = Mutex<[String: TimeZoneRules]>([:])

    private static func unknown(_ name: String) -> LaminaError {
        .invalidInput("The datetime zone id '\(name)' is not recognised", context: ["timeZone": name])
    }

    /// Names become paths: only letters, digits and the marks IANA uses, no step upwards, no absolute path.
    private static func isPlausible(_ name: String) -> Bool {
        guard !name.isEmpty, name.utf8.count < 64, !name.hasPrefix("/"), !name.contains("..") else { return false }
        for byte in name.utf8 {
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "/"), UInt8(ascii: "_"), UInt8(ascii: "-"),
                UInt8(ascii: "+"):
                continue
            default: return false
            }
        }
        return true
    }

    package static func == (left: TimeZoneRules, right: TimeZoneRules) -> Bool { left.id == right.id }
    package func hash(into hasher: inout Hasher) { hasher.combine(id) }

    /// The offset when it never changes, in milliseconds.
    package var fixedOffset: Int64? { table.fixedOffset }
    package var isUTC: Bool { table.fixedOffset == 0 }

    /// Milliseconds ahead of UTC at an instant.
    package func offset(at instant: Int64) -> Int64 { table.offset(at: instant) }

    /// The instant's local wall clock as if it were UTC.
    package func local(_ instant: Int64) -> Int64 { clampedAdd(instant, offset(at: instant)) }

    /// The first instant after `instant` at which the offset changes; nil when there is none.
    package func nextTransition(after instant: Int64) -> Int64? { table.nextTransition(after: instant) }

    /// The instant at which the wall clock shows `local`.
    ///
    /// In an overlap `preferring` decides where it fits, else the earlier of the two instants is taken; a wall time that
    /// is skipped is read with the offset before the gap, and so lands after it.
    package func instant(ofLocal local: Int64, preferring offset: Int64? = nil) -> Int64 {
        if let fixed = table.fixedOffset { return clampedAdd(local, -fixed) }
        if let offset, table.offset(at: clampedAdd(local, -offset)) == offset { return clampedAdd(local, -offset) }
        // Offsets lie within a day: the ones in force around `local` are all there can be.
        let before = table.offset(at: clampedAdd(local, -millisecondsPerDay))
        let after = table.offset(at: clampedAdd(local, millisecondsPerDay))
        var best: Int64?
        for candidate in [before, table.offset(at: clampedAdd(local, -before)), table.offset(at: local), after] {
            let moment = clampedAdd(local, -candidate)
            if table.offset(at: moment) == candidate { best = min(best ?? moment, moment) }
        }
        return best ?? clampedAdd(local, -before)
    }

    /// `instant` moved by calendar days, its local time of day kept.
    func adding(days: Int, to instant: Int64) -> Int64 {
        let step = clampedMultiply(Int64(days), millisecondsPerDay)
        if table.fixedOffset != nil { return clampedAdd(instant, step) }
        return self.instant(ofLocal: clampedAdd(local(instant), step))
    }

    /// `instant` moved by calendar months, its local time of day kept.
    func adding(months: Int, to instant: Int64) -> Int64 {
        let local = local(instant)
        let day = floorDivide(local, millisecondsPerDay)
        let date = CivilDate(dayNumber: Int(day)).adding(months: months)
        let moved = clampedMultiply(Int64(date.dayNumber), millisecondsPerDay)
        return self.instant(ofLocal: clampedAdd(moved, floorModulo(local, millisecondsPerDay)))
    }
}
