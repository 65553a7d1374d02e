package import LaminaBase

/// The compact form of Apache DataSketches.
///
///     0 ints of preamble (2 list, 3 set, 10 registers)  1 version 1  2 family 7  3 lgK  4 log2 of the table's size
///     5 flags (4 empty, 8 compact, 16 out of order, 32 sums to be recounted)  6 list's count, or least register
///     7 mode (0 list, 1 set, 2 registers) and type (0, 4, 8 for 4, 6, 8 bits)
///     list: 8 coupons    set: 8 count, 12 coupons
///     registers: 8 running estimate  16, 24 sums  32 count of least  36 count of exceptions  40 registers, exceptions
///
/// Source: `org.apache.datasketches.hll.PreambleUtil`, `ToByteArrayImpl`, `HeapAuxHashMap`.
extension HLLSketch {
    package var bytes: [UInt8] {
        var bytes: [UInt8] = [0, 1, 7, UInt8(lgK), 0, 8, 0, UInt8((registerBits - 4) * 2) | mode.rawValue]
        switch mode {
        case .list:
            bytes[0] = 2
            bytes[4] = 3
            if couponCount == 0 { bytes[5] |= 4 }
            bytes[6] = UInt8(couponCount)
            for coupon in coupons { bytes.append(little: coupon) }
        case .set:
            bytes[0] = 3
            bytes[4] = UInt8(coupons.count.trailingZeroBitCount)
            bytes.append(little: UInt32(couponCount))
            for coupon in coupons where coupon != 0 { bytes.append(little: coupon) }
        case .registers:
            bytes[0] = 10
            if isOutOfOrder { bytes[5] |= 16 }
            appendRegisters(to: &bytes)
        }
        return bytes
    }

    private func appendRegisters(to bytes: inout [UInt8]) {
        bytes.reserveCapacity(48 + registers.count * registerBits / 8)
        var least = 0
        var leastCount = zeroCount
        if registerBits == 4, zeroCount == 0 {
            least = Int(registers.min() ?? 0)
            leastCount = registers.reduce(0) { $0 + (Int($1) == least ? 1 : 0) }
        }
        bytes[6] = UInt8(least)
        bytes.append(little: hip.bitPattern)
        bytes.append(little: inverses.low.bitPattern)
        bytes.append(little: inverses.high.bitPattern)
        bytes.append(little: UInt32(leastCount))
        switch registerBits {
        case 8:
            bytes.append(little: UInt32(0))
            bytes += registers
        case 6:
            bytes.append(little: UInt32(0))
            for slot in stride(from: 0, to: registers.count, by: 4) {
                let word =
                    UInt32(registers[slot]) | UInt32(registers[slot + 1]) << 6 | UInt32(registers[slot + 2]) << 12
                    | UInt32(registers[slot + 3]) << 18
                for shift in [0, 8, 16] { bytes.append(UInt8(truncatingIfNeeded: word >> UInt32(shift))) }
            }
            bytes.append(0)
        default:
            let exceptions = exceptions(above: least)
            if !exceptions.isEmpty { bytes[4] = UInt8(exceptions.count.trailingZeroBitCount) }
            bytes.append(little: UInt32(exceptions.reduce(0) { $0 + ($1 == 0 ? 0 : 1) }))
            for slot in stride(from: 0, to: registers.count, by: 2) {
                let low = min(Int(registers[slot]) - least, 15)
                let high = min(Int(registers[slot + 1]) - least, 15)
                bytes.append(UInt8(high << 4 | low))
            }
            for pair in exceptions where pair != 0 { bytes.append(little: pair) }
        }
    }

    /// Registers that four bits above the least cannot hold, in the table whose order decides the bytes; empty without any.
    private func exceptions(above least: Int) -> [UInt32] {
        var table: [UInt32] = []
        var count = 0
        for (slot, register) in registers.enumerated() where Int(register) - least >= 15 {
            if table.isEmpty { table = Array(repeating: 0, count: 1 << exceptionBits[lgK]) }
            Self.place(UInt32(register) << 26 | UInt32(slot), slot, in: &table)
            count += 1
            guard 4 * count > 3 * table.count else { continue }
            var larger = [UInt32](repeating: 0, count: table.count * 2)
            for pair in table where pair != 0 { Self.place(pair, Int(pair) & ((1 << lgK) - 1), in: &larger) }
            table = larger
        }
        return table
    }

    private static func place(_ pair: UInt32, _ slot: Int, in table: inout [UInt32]) {
        let stride = slot >> table.count.trailingZeroBitCount | 1
        var place = slot & (table.count - 1)
        while table[place] != 0 { place = (place + stride) & (table.count - 1) }
        table[place] = pair
    }

    // MARK: Reading

    /// Reads compact and updatable forms. Throws when the bytes are no such sketch; memory is bounded by 2^21 registers and
    /// only taken when the bytes hold them.
    package init(bytes: [UInt8]) throws(LaminaError) {
        var reader = ByteReader(bytes, "HLLSketch")
        let preamble = try reader.little(UInt8.self) & 0x3F
        guard try reader.little(UInt8.self) == 1, try reader.little(UInt8.self) == 7 else {
            throw reader.corrupt("another version or family")
        }
        let lgK = Int(try reader.little(UInt8.self))
        guard Self.lgKRange.contains(lgK) else { throw reader.corrupt("lgK \(lgK)") }
        let tableBits = Int(try reader.little(UInt8.self))
        let flags = try reader.little(UInt8.self)
        let count = Int(try reader.little(UInt8.self))
        let modes = try reader.little(UInt8.self)
        guard let mode = Mode(rawValue: modes & 3), modes >> 2 & 3 < 3, preamble == [2, 3, 10][Int(mode.rawValue)]
        else {
            throw reader.corrupt("mode \(modes)")
        }
        self.init(lgK: lgK, registerBits: 4 + 2 * Int(modes >> 2 & 3))
        switch mode {
        case .list: try readCoupons(&reader, flags & 4 != 0 ? 0 : count)
        case .set:
            guard lgK > 7 else { throw reader.corrupt("a set at lgK \(lgK)") }
            let count = Int(try reader.little(UInt32.self))
            self.mode = .set
            coupons = Array(repeating: 0, count: 1 << Self.firstSetBits)
            if flags & 8 != 0 {
                try readCoupons(&reader, count)
            } else {
                guard tableBits <= 21 else { throw reader.corrupt("a table of 2^\(tableBits)") }
                try readCoupons(&reader, 1 << tableBits)
            }
        case .registers: try readRegisters(&reader, least: count, tableBits: tableBits, flags: flags)
        }
    }

    private mutating func readCoupons(_ reader: inout ByteReader, _ count: Int) throws(LaminaError) {
        guard count <= reader.remaining / 4 else { throw reader.corrupt("fewer than \(count) coupons") }
        for _ in 0..<count {
            let coupon = try reader.little(UInt32.self)
            if coupon != 0 { update(coupon: coupon) }
        }
    }

    private mutating func readRegisters(
        _ reader: inout ByteReader,
        least: Int,
        tableBits: Int,
        flags: UInt8
    ) throws(LaminaError) {
        let size = 1 << lgK
        let hip = Double(bitPattern: try reader.little(UInt64.self))
        try reader.skip(20)
        let exceptionCount = Int(try reader.little(UInt32.self))
        let width = registerBits == 8 ? size : registerBits == 6 ? size * 3 / 4 + 1 : size / 2
        guard hip.isFinite, hip >= 0, least < 64 else { throw reader.corrupt("no estimate") }
        let packed = try reader.take(width)
        makeRegisters()
        switch registerBits {
        case 8: for slot in 0..<size { registers[slot] = packed[packed.startIndex + slot] & 63 }
        case 6:
            for slot in 0..<size {
                let place = packed.startIndex + slot * 6 / 8
                let pair = UInt32(packed[place]) | UInt32(packed[place + 1]) << 8
                registers[slot] = UInt8(pair >> UInt32(slot * 6 % 8) & 63)
            }
        default:
            for slot in 0..<size {
                let nibble = packed[packed.startIndex + slot / 2] >> UInt8(slot & 1 == 0 ? 0 : 4) & 15
                registers[slot] = nibble == 15 ? 255 : UInt8(min(Int(nibble) + least, 63))
            }
            let pairs = exceptionCount == 0 ? 0 : flags & 8 != 0 ? exceptionCount : 1 << min(tableBits, 21)
            guard pairs <= reader.remaining / 4 else { throw reader.corrupt("fewer than \(pairs) exceptions") }
            for _ in 0..<pairs {
                let pair = try reader.little(UInt32.self)
                if pair != 0 { registers[Int(pair) & (size - 1)] = UInt8(pair >> 26) }
            }
            guard !registers.contains(255) else { throw reader.corrupt("an exception missing") }
        }
        // The sums are what the registers say; a union may not have counted them yet.
        recount()
        isOutOfOrder = flags & 16 != 0
        self.hip = isOutOfOrder ? 0 : hip
    }
}

/// Log2 of the first size of the table of exceptions, by lgK.
private let exceptionBits = [0, 2, 2, 2, 2, 2, 2, 3, 3, 3, 4, 4, 5, 5, 6, 7, 8, 9, 10, 11, 12, 13]
