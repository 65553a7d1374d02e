import Glibc
package import LaminaBase

/// Druid's distinct count sketch: 2,048 registers of four bits above a common offset, and one register that overflowed.
///
/// Source: `HyperLogLogCollector`, `VersionOneHyperLogLogCollector`; estimates equal Druid's to the last bit.
package struct HyperLogLog: Sketch, Hashable {
    private static let registerCount = 2048
    /// Most a register can hold above the offset.
    private static let range = 15
    private static let denseBytes = 1024
    private static let headerBytes = 7
    /// Fewer registers than this in use are written as a list.
    private static let denseThreshold = 128

    /// Two registers a byte, the even one in the upper half; empty while nothing was added.
    private var registers: [UInt8] = []
    private var offset = 0
    private var usedCount = 0
    private var overflowValue = 0
    private var overflowRegister = 0

    package init() {}

    /// Adds what hashes to two 64-bit halves.
    package mutating func add(hash: (low: UInt64, high: UInt64)) {
        // The register by the last two of the hash's sixteen bytes, most significant first.
        let tail = UInt16(hash.high >> 48)
        let register = Int(tail.byteSwapped & 0x7FF)
        // Zero bits before the first set one, bytes in order, each from its lowest bit: that is the word as it stands.
        let position = hash.low == 0 ? 64 : hash.low.trailingZeroBitCount + 1
        add(register: register, position: position)
    }

    /// A text as it comes in at ingestion, hashed as UTF-8 (the `cardinality` aggregation hashes UTF-16 instead).
    ///
    /// Source: `HyperUniquesSerde`, `HyperLogLogHash`.
    package mutating func add(_ text: String) {
        var text = text
        let hash = text.withUTF8 { murmur128(UnsafeRawBufferPointer($0)) }
        add(hash: hash)
    }

    private mutating func add(register: Int, position: Int) {
        if registers.isEmpty { registers = Array(repeating: 0, count: Self.denseBytes) }
        if position <= offset { return }
        if position > offset + Self.range {
            guard position > overflowValue else { return }
            let oldValue = overflowValue
            let oldRegister = overflowRegister
            overflowValue = position
            overflowRegister = register
            if oldValue <= offset + Self.range { add(register: oldRegister, position: oldValue) }
            return
        }
        raise(register, to: UInt8(position - offset))
        shiftIfFull()
    }

    private mutating func raise(_ register: Int, to value: UInt8) {
        let shift: UInt8 = register & 1 == 0 ? 4 : 0
        let old = registers[register >> 1] >> shift & 15
        guard value > old else { return }
        registers[register >> 1] = registers[register >> 1] & ~(15 << shift) | value << shift
        if old == 0 { usedCount += 1 }
    }

    /// When no register is at the offset any more, the offset rises.
    private mutating func shiftIfFull() {
        guard usedCount == Self.registerCount else { return }
        offset += 1
        usedCount = 0
        for index in registers.indices {
            let upper = registers[index] >> 4 - 1
            let lower = registers[index] & 15 - 1
            registers[index] = upper << 4 | lower
            usedCount += (upper > 0 ? 1 : 0) + (lower > 0 ? 1 : 0)
        }
    }

    /// Adds all that another sketch has seen.
    package mutating func merge(_ other: HyperLogLog) {
        if other.registers.isEmpty { return }
        if registers.isEmpty {
            self = other
            return
        }
        var source = other
        if offset < source.offset { swap(&self, &source) }
        let difference = offset - source.offset
        for index in source.registers.indices {
            let byte = source.registers[index]
            if byte == 0 { continue }
            for (register, value) in [(2 * index, Int(byte >> 4)), (2 * index + 1, Int(byte & 15))]
            where value > difference {
                raise(register, to: UInt8(value - difference))
            }
        }
        shiftIfFull()
        add(register: source.overflowRegister, position: source.overflowValue)
    }

    /// The estimated number of distinct values.
    package var estimate: Double {
        if registers.isEmpty { return 0 }
        var sum = 0.0
        var zeros = 0
        for index in registers.indices {
            var upper = Int(registers[index] >> 4)
            var lower = Int(registers[index] & 15)
            zeros += (upper == 0 ? 1 : 0) + (lower == 0 ? 1 : 0)
            upper += offset
            lower += offset
            if overflowRegister >> 1 == index {
                if overflowRegister & 1 == 0 {
                    upper = max(upper, overflowValue)
                } else {
                    lower = max(lower, overflowValue)
                }
            }
            sum += pow(2, -Double(upper)) + pow(2, -Double(lower))
        }
        return corrected(sum, zeros)
    }

    private func corrected(_ sum: Double, _ zeros: Int) -> Double {
        let count = Double(Self.registerCount)
        let estimate = 0.7213 / (1 + 1.079 / count) * count * count / sum
        let all = 0x1p64
        if estimate <= 5 * count / 2 { return zeros == 0 ? estimate : count * log(count / Double(zeros)) }
        if estimate > all / 30 {
            let ratio = estimate / all
            return ratio >= 1 ? .greatestFiniteMagnitude : -all * log(1 - ratio)
        }
        return estimate
    }

    // MARK: Sketch

    package var typeName: String { "hyperUnique" }
    package var bytesHeld: Int { registers.count + 64 }

    package mutating func merge(_ other: any Sketch) throws(LaminaError) {
        guard let other = other as? HyperLogLog else { throw notMergeable(self, other) }
        merge(other)
    }

    // MARK: Bytes of a hyperUnique column

    /// Reads what a segment or a result holds; no bytes are an empty sketch. Throws when they are no such sketch.
    package init(bytes: [UInt8]) throws(LaminaError) {
        if bytes.isEmpty { return }
        // The oldest form has neither version nor overflow; Druid tells it by its length.
        let isOld = bytes.count % 3 == 0 || bytes.count == Self.denseBytes + 3
        let header = isOld ? 3 : Self.headerBytes
        guard bytes.count >= header else { throw Self.corrupt("\(bytes.count) bytes") }
        registers = Array(repeating: 0, count: Self.denseBytes)
        if isOld {
            offset = Int(bytes[0])
        } else {
            offset = Int(bytes[1])
            overflowValue = Int(bytes[4])
            overflowRegister = Int(bytes[5]) << 8 | Int(bytes[6])
        }
        guard overflowRegister < Self.registerCount, offset <= 64, overflowValue <= 64 else {
            throw Self.corrupt("a register out of range")
        }
        if bytes.count == header + Self.denseBytes {
            registers = Array(bytes[header...])
        } else {
            guard (bytes.count - header) % 3 == 0 else { throw Self.corrupt("a list of \(bytes.count - header) bytes") }
            for place in stride(from: header, to: bytes.count, by: 3) {
                let position = Int(bytes[place]) << 8 | Int(bytes[place + 1])
                // Room that Druid made and did not fill.
                if position == 0, bytes[place + 2] == 0 { continue }
                guard position >= header, position - header < Self.denseBytes else {
                    throw Self.corrupt("a register out of range")
                }
                registers[position - header] = bytes[place + 2]
            }
        }
        usedCount = registers.reduce(0) { $0 + ($1 >> 4 > 0 ? 1 : 0) + ($1 & 15 > 0 ? 1 : 0) }
    }

    private static func corrupt(_ what: String) -> LaminaError {
        .corrupt("a hyperUnique value of \(what)", at: "its column")
    }

    /// The bytes Druid writes; without any value just the header.
    package var bytes: [UInt8] {
        if registers.isEmpty { return [1] + [UInt8](repeating: 0, count: Self.headerBytes - 1) }
        var bytes: [UInt8] = [
            1, UInt8(offset), UInt8(usedCount >> 8), UInt8(usedCount & 255), UInt8(overflowValue),
            UInt8(overflowRegister >> 8), UInt8(overflowRegister & 255),
        ]
        if usedCount >= Self.denseThreshold { return bytes + registers }
        for (index, byte) in registers.enumerated() where byte != 0 {
            let position = index + Self.headerBytes
            bytes += [UInt8(position >> 8), UInt8(position & 255), byte]
        }
        // Druid makes room for every register, though two may share a byte; what is left stays zero.
        bytes += repeatElement(0, count: max(0, Self.headerBytes + 3 * usedCount - bytes.count))
        return bytes
    }
}

/// Bytes of Java's `putUnencodedChars`: UTF-16 units, low byte first.
package func appendUTF16(_ text: String, to bytes: inout [UInt8]) {
    for unit in text.utf16 {
        bytes.append(UInt8(truncatingIfNeeded: unit))
        bytes.append(UInt8(truncatingIfNeeded: unit >> 8))
    }
}
