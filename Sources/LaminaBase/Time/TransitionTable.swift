import Glibc

/// When a zone's offset changes: the transitions of its TZif file, then for ever the rule of its footer.
final class TransitionTable: Sendable {
    /// Instants of change, ascending, in milliseconds; `offsets[i + 1]` holds from `instants[i]` on.
    private let instants: [Int64]
    private let offsets: [Int64]
    private let rule: POSIXZoneRule?
    let fixedOffset: Int64?
    /// Footer rules are unrolled up to here, so that a search answers all but the far future.
    private static let unrolledYear = 2200

    init(fixed offset: Int64) {
        instants = []
        offsets = [offset]
        rule = nil
        fixedOffset = offset
    }

    /// Reads a TZif file, version 1 to 4. Source: RFC 8536.
    init(tzif bytes: [UInt8], name: String) throws(LaminaError) {
        var reader = TZifReader(bytes: bytes, name: name)
        var block = try reader.block(wide: false)
        var footer: POSIXZoneRule?
        if block.version >= UInt8(ascii: "2") {
            block = try reader.block(wide: true)
            footer = reader.footer()
        }
        var instants: [Int64] = []
        var offsets = [block.firstOffset]
        for (moment, offset) in block.transitions where offset != offsets[offsets.count - 1] || instants.isEmpty {
            instants.append(moment)
            offsets.append(offset)
        }
        if let footer, footer.changes {
            let last = instants.last ?? .min
            let firstYear = max(
                1900,
                last == .min ? 1900 : CivilDate(dayNumber: Int(floorDivide(last, millisecondsPerDay))).year
            )
            for year in firstYear..<Self.unrolledYear {
                for (moment, offset) in footer.transitions(in: year) where moment > last {
                    if offset == offsets[offsets.count - 1] { continue }
                    instants.append(moment)
                    offsets.append(offset)
                }
            }
        }
        self.instants = instants
        self.offsets = offsets
        rule = footer.flatMap { $0.changes ? $0 : nil }
        fixedOffset = instants.isEmpty && rule == nil ? offsets[0] : nil
    }

    func offset(at instant: Int64) -> Int64 {
        if let fixedOffset { return fixedOffset }
        guard let last = instants.last else { return offsets[0] }
        if instant >= last {
            if let rule, instant - last > 2 * 366 * millisecondsPerDay { return rule.offset(at: instant) }
            return offsets[instants.count]
        }
        return offsets[upperBound(instant)]
    }

    func nextTransition(after instant: Int64) -> Int64? {
        let place = upperBound(instant)
        if place < instants.count { return instants[place] }
        guard let rule else { return nil }
        let year = CivilDate(dayNumber: Int(floorDivide(instant, millisecondsPerDay))).year
        for candidate in year...(year + 1) {
            for (moment, _) in rule.transitions(in: candidate) where moment > instant { return moment }
        }
        return nil
    }

    /// How many transitions are at or before `instant`.
    private func upperBound(_ instant: Int64) -> Int {
        var low = 0
        var high = instants.count
        while low < high {
            let middle = (low + high) / 2
            if instants[middle] <= instant { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

private struct TZifReader {
    let bytes: [UInt8]
    let name: String
    var position = 0

    init(bytes: [UInt8], name: String) {
        self.bytes = bytes
        self.name = name
    }

    struct Block {
        var version: UInt8
        var firstOffset: Int64
        var transitions: [(Int64, Int64)]
    }

    private func broken() -> LaminaError {
        LaminaError(
            .runtimeFailure,
            code: "badTimeZoneFile",
            "The time zone file of \(name) is damaged near byte \(position)",
            context: ["timeZone": name]
        )
    }

    private func integer(at place: Int, bytes count: Int) -> Int64 {
        var value: UInt64 = 0
        for index in place..<place + count { value = value << 8 | UInt64(bytes[index]) }
        return count == 4 ? Int64(Int32(truncatingIfNeeded: value)) : Int64(bitPattern: value)
    }

    mutating func block(wide: Bool) throws(LaminaError) -> Block {
        guard bytes.count - position >= 44, bytes[position..<position + 4].elementsEqual("TZif".utf8) else {
            throw broken()
        }
        let version = bytes[position + 4]
        var counts: [Int] = []
        for index in 0..<6 { counts.append(Int(integer(at: position + 20 + index * 4, bytes: 4))) }
        guard counts.allSatisfy({ $0 >= 0 && $0 <= bytes.count }) else { throw broken() }
        let (isUTC, isStandard, leap, times, types, chars) =
            (counts[0], counts[1], counts[2], counts[3], counts[4], counts[5])
        let width = wide ? 8 : 4
        let first = position + 44
        let length = times * width + times + types * 6 + chars + leap * (width + 4) + isStandard + isUTC
        guard bytes.count - first >= length, types > 0 else { throw broken() }
        let typeStart = first + times * (width + 1)
        var transitions: [(Int64, Int64)] = []
        for index in 0..<times {
            let type = Int(bytes[first + times * width + index])
            guard type < types else { throw broken() }
            let moment = integer(at: first + index * width, bytes: width)
            // Before the big bang some files have a marker that says nothing.
            guard moment > -1 << 50, moment < 1 << 50 else { continue }
            transitions.append((moment * 1000, integer(at: typeStart + type * 6, bytes: 4) * 1000))
        }
        position = first + length
        return Block(
            version: version,
            firstOffset: integer(at: typeStart, bytes: 4) * 1000,
            transitions: transitions
        )
    }

    mutating func footer() -> POSIXZoneRule? {
        guard position < bytes.count, bytes[position] == 0x0A else { return nil }
        let rest = bytes[(position + 1)...]
        guard let end = rest.firstIndex(of: 0x0A) else { return nil }
        return POSIXZoneRule(parsing: Array(rest[..<end]))
    }
}

/// The bytes of a zone's file, nil when there is none; zone files are small, larger ones are refused.
func readZoneFile(_ name: String) -> [UInt8]? {
    let file = open("/usr/share/zoneinfo/\(name)", O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var bytes = [UInt8](repeating: 0, count: 1 << 17)
    var filled = 0
    while filled < bytes.count {
        let count = bytes.withUnsafeMutableBytes { read(file, $0.baseAddress?.advanced(by: filled), $0.count - filled) }
        if count < 0 { return nil }
        if count == 0 { return Array(bytes[..<filled]) }
        filled += count
    }
    return nil
}
