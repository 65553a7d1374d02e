import Glibc
import LaminaBase

/// A growing run of bytes that a part of a segment is built in: appended to, patched in place, then written out whole.
///
/// Not thread-safe; one writer owns it.
final class ByteSink {
    private(set) var base: UnsafeMutableRawPointer
    private(set) var count = 0
    private var capacity: Int

    init(capacity: Int = 1 << 12) {
        self.capacity = max(capacity, 64)
        base = .allocate(byteCount: self.capacity, alignment: 16)
    }

    deinit { base.deallocate() }

    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }

    /// Room for `extra` more bytes; the pointer is good until the next append. Call `advance` for what was written.
    @inline(__always)
    func reserve(_ extra: Int) -> UnsafeMutableRawPointer {
        if count &+ extra > capacity { grow(count + extra) }
        return base + count
    }

    @inline(never)
    private func grow(_ needed: Int) {
        let larger = max(needed, capacity * 2)
        let fresh = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 16)
        memcpy(fresh, base, count)
        base.deallocate()
        base = fresh
        capacity = larger
    }

    @inline(__always)
    func advance(_ written: Int) {
        precondition(written >= 0 && count &+ written <= capacity)
        count &+= written
    }

    /// Forgets everything but keeps the memory.
    func removeAll() { count = 0 }

    @inline(__always)
    func append(_ byte: UInt8) {
        reserve(1).storeBytes(of: byte, as: UInt8.self)
        count &+= 1
    }

    func append(_ source: UnsafeRawBufferPointer) {
        guard let start = source.baseAddress, !source.isEmpty else { return }
        memcpy(reserve(source.count), start, source.count)
        count &+= source.count
    }

    func append(_ other: ByteSink) {
        append(other.bytes)
        extendLifetime(other)
    }

    func append(_ source: [UInt8]) { source.withUnsafeBytes { append($0) } }
    func append(utf8 text: String) { append(Array(text.utf8)) }

    func zeros(_ number: Int) {
        memset(reserve(number), 0, number)
        count &+= number
    }

    @inline(__always)
    func bigEndian<Number: FixedWidthInteger>(_ value: Number) {
        reserve(MemoryLayout<Number>.size).storeBytes(of: value.bigEndian, as: Number.self)
        count &+= MemoryLayout<Number>.size
    }

    @inline(__always)
    func littleEndian<Number: FixedWidthInteger>(_ value: Number) {
        reserve(MemoryLayout<Number>.size).storeBytes(of: value.littleEndian, as: Number.self)
        count &+= MemoryLayout<Number>.size
    }

    func patchBigEndian(_ value: Int32, at place: Int) {
        precondition(place + 4 <= count)
        (base + place).storeBytes(of: value.bigEndian, as: Int32.self)
    }

    func patchLittleEndian(_ value: Int32, at place: Int) {
        precondition(place + 4 <= count)
        (base + place).storeBytes(of: value.littleEndian, as: Int32.self)
    }

    /// A string after its big-endian length (`SerializerUtils.writeString`).
    func lengthPrefixed(_ text: String) {
        let bytes = Array(text.utf8)
        bigEndian(Int32(bytes.count))
        append(bytes)
    }

    /// Seven bits a byte, least significant first, the high bit marking the last byte (`VByte`).
    func vbyte(_ value: Int) {
        precondition(value >= 0)
        var rest = value
        while rest > 0x7F {
            append(UInt8(rest & 0x7F))
            rest >>= 7
        }
        append(UInt8(rest) | 0x80)
    }
}

/// A length or count as the format's signed 32-bit field; `what` names the part in the error.
func int32(_ value: Int, _ what: String) throws(LaminaError) -> Int32 {
    guard let narrow = Int32(exactly: value) else {
        throw .resourceLimit(
            "\(what) needs \(value) bytes; one part of a segment holds at most 2147483647: make smaller segments"
        )
    }
    return narrow
}
