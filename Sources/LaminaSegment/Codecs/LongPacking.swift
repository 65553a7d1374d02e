import LaminaBase

/// Longs packed to a fixed number of bits, most significant bit first: `value = base + packed`, or `table[packed]`.
///
/// Source: `segment.data.VSizeLongSerde`, `DeltaLongEncodingReader`, `TableLongEncodingReader`.
struct LongPacking: Sendable {
    enum Meaning: Sendable {
        case delta(base: Int64)
        case table([Int64])
    }

    /// Zero bytes behind every block.
    static let padding = 4
    static let supportedBits: Set<Int> = [1, 2, 4, 8, 12, 16, 20, 24, 32, 40, 48, 56, 64]

    let bits: Int
    let meaning: Meaning

    /// Bytes of a block of `count` values, padding included.
    func byteCount(_ count: Int) -> Int { (bits * count + 7) / 8 + Self.padding }

    /// The narrowest width for `states` different values.
    static func bits(forTableOf states: Int) -> Int {
        for bits in [1, 2, 4, 8, 12, 16, 20, 24, 32] where states <= 1 << bits { return bits }
        return 64
    }

    /// False when a value points beyond the table. `source` has the packed bytes of `count` values; nothing behind is read.
    func unpack(_ source: UnsafeRawPointer, into target: UnsafeMutableBufferPointer<Int64>, _ count: Int) -> Bool {
        switch bits {
        case 1, 2, 4: unpackSmall(source, into: target, count)
        case 12, 20: unpackHalves(source, into: target, count)
        default: unpackBytes(source, into: target, count)
        }
        switch meaning {
        case .delta(let base):
            for index in 0..<count { target[index] &+= base }
            return true
        case .table(let table):
            return table.withUnsafeBufferPointer { table in
                // One bound for the whole block keeps the look-ups free of branches.
                var top: UInt64 = 0
                for index in 0..<count { top = max(top, UInt64(bitPattern: target[index])) }
                guard count == 0 || top < UInt64(table.count) else { return false }
                for index in 0..<count { target[index] = table[Int(target[index])] }
                return true
            }
        }
    }

    private func unpackSmall(_ source: UnsafeRawPointer, into target: UnsafeMutableBufferPointer<Int64>, _ count: Int) {
        let bytes = source.assumingMemoryBound(to: UInt8.self)
        let perByte = 8 / bits
        let mask = UInt8(1 << bits - 1)
        for index in 0..<count {
            let place = UInt8(index & (perByte - 1))
            let right = UInt8(8) - UInt8(bits) * (place + 1)
            target[index] = Int64(bytes[index / perByte] >> right & mask)
        }
    }

    /// 12 and 20 bits: two values share three or five bytes.
    private func unpackHalves(_ source: UnsafeRawPointer, into target: UnsafeMutableBufferPointer<Int64>, _ count: Int)
    {
        let bytes = source.assumingMemoryBound(to: UInt8.self)
        let whole = bits / 8
        for index in 0..<count {
            let start = index * bits / 8
            var value: Int64 = 0
            if index & 1 == 0 {
                for place in 0..<whole { value = value << 8 | Int64(bytes[start + place]) }
                value = value << 4 | Int64(bytes[start + whole] >> 4)
            } else {
                value = Int64(bytes[start] & 0x0F)
                for place in 1...whole { value = value << 8 | Int64(bytes[start + place]) }
            }
            target[index] = value
        }
    }

    private func unpackBytes(_ source: UnsafeRawPointer, into target: UnsafeMutableBufferPointer<Int64>, _ count: Int) {
        let bytes = source.assumingMemoryBound(to: UInt8.self)
        let width = bits / 8
        switch width {
        case 1: for index in 0..<count { target[index] = Int64(bytes[index]) }
        case 2:
            for index in 0..<count {
                target[index] = Int64(
                    UInt16(bigEndian: source.loadUnaligned(fromByteOffset: 2 * index, as: UInt16.self))
                )
            }
        case 4:
            for index in 0..<count {
                target[index] = Int64(
                    UInt32(bigEndian: source.loadUnaligned(fromByteOffset: 4 * index, as: UInt32.self))
                )
            }
        default:
            for index in 0..<count {
                var value: UInt64 = 0
                for place in 0..<width { value = value << 8 | UInt64(bytes[index * width + place]) }
                target[index] = Int64(bitPattern: value)
            }
        }
    }
}
