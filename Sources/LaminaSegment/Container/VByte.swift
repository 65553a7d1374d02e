/// Druid's variable-length ints: seven bits a byte, least significant group first, the high bit marks the *last* byte.
///
/// Source: `org.apache.druid.segment.data.VByte`. Non-negative ints only, five bytes at most.
package enum VByte {
    /// The number at `offset` and where the next field begins; nil when it does not end inside the buffer or exceeds
    /// 31 bits.
    package static func read(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> (value: Int, next: Int)? {
        var value = 0
        var shift = 0
        var position = offset
        while position < bytes.count, shift < 35 {
            let byte = bytes[position]
            position += 1
            value |= Int(byte & 0x7F) << shift
            if byte & 0x80 != 0 { return value <= Int(Int32.max) ? (value, position) : nil }
            shift += 7
        }
        return nil
    }

    package static func append(_ value: Int, to bytes: inout [UInt8]) {
        precondition(value >= 0 && value <= Int(Int32.max), "VByte holds non-negative 32-bit ints")
        var rest = value
        while rest > 0x7F {
            bytes.append(UInt8(rest & 0x7F))
            rest >>= 7
        }
        bytes.append(UInt8(rest) | 0x80)
    }

    /// How many bytes `append` writes.
    package static func size(_ value: Int) -> Int {
        var rest = value >> 7
        var size = 1
        while rest > 0 {
            size += 1
            rest >>= 7
        }
        return size
    }
}
