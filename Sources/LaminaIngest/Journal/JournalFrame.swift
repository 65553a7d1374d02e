import LaminaBase
import LaminaCompression

/// How one record of a journal lies in its file, all numbers little-endian:
///
///     0  lower half of the file's mark
///     4  CRC-32C of bytes 8 up to the end of the head, xor the upper half of the mark
///     8  length of the head
///     12 length of the body
///     16 CRC-32C of the body
///     20 sequence number
///     28 bytes of this file that were synced when the record was written
///     36 head, then body
///
/// The head's own checksum lets heads be read without their bodies. What was synced tells a torn record from a damaged one: nothing
/// that was acknowledged can lie behind a torn one. The mark is random, and nobody outside knows it: what looks like a record inside of a
/// body that somebody sent is none.
struct JournalFrame: Equatable {
    static let size = 36
    /// A longer head or body is no record of ours.
    static let lengthMax = 1 << 30

    var headLength: Int
    var bodyLength: Int
    var bodyCheck: UInt32
    var sequence: Int64
    var synced: Int64

    /// Bytes of the whole record.
    var length: Int { Self.size + headLength + bodyLength }

    /// The frame's bytes and the head behind them.
    static func encode(head: [UInt8], body: [UInt8], sequence: Int64, synced: Int64, mark: UInt64) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(size + head.count)
        bytes.append(little: UInt32(truncatingIfNeeded: mark))
        bytes.append(little: UInt32(0))
        bytes.append(little: UInt32(truncatingIfNeeded: head.count))
        bytes.append(little: UInt32(truncatingIfNeeded: body.count))
        bytes.append(little: body.withUnsafeBytes { crc32c($0) })
        bytes.append(little: UInt64(bitPattern: sequence))
        bytes.append(little: UInt64(bitPattern: synced))
        bytes.append(contentsOf: head)
        let sum = bytes.withUnsafeBytes { crc32c(UnsafeRawBufferPointer(rebasing: $0[8...])) }
        let check = sum ^ UInt32(truncatingIfNeeded: mark >> 32)
        for place in 0..<4 { bytes[4 + place] = UInt8(truncatingIfNeeded: check >> UInt32(8 * place)) }
        return bytes
    }

    /// The frame at the start of the bytes (at least `size`), its lengths within bounds; the checksum is still to be verified.
    init?(_ bytes: UnsafeRawBufferPointer, mark: UInt64) {
        guard bytes.count >= Self.size, bytes.little32(0) == UInt32(truncatingIfNeeded: mark) else { return nil }
        headLength = Int(bytes.little32(8))
        bodyLength = Int(bytes.little32(12))
        guard headLength <= Self.lengthMax, bodyLength <= Self.lengthMax else { return nil }
        bodyCheck = bytes.little32(16)
        sequence = Int64(bitPattern: bytes.little64(20))
        synced = Int64(bitPattern: bytes.little64(28))
        guard sequence >= 0, synced >= 0 else { return nil }
    }

    /// Whether frame and head, which lie at the start of the bytes, are as they were written.
    func verifiesHead(_ bytes: UnsafeRawBufferPointer, mark: UInt64) -> Bool {
        guard bytes.count >= Self.size + headLength else { return false }
        let sum = crc32c(UnsafeRawBufferPointer(rebasing: bytes[8..<Self.size + headLength]))
        return sum ^ UInt32(truncatingIfNeeded: mark >> 32) == bytes.little32(4)
    }
}

/// What a journal's file begins with: "LAMJOURN", the version 1, its first sequence number, its mark, CRC-32C of all that.
enum JournalHeader {
    static let size = 32
    private static let magic: UInt64 = 0x4E52_554F_4A4D_414C

    static func encode(first: Int64, mark: UInt64) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(little: magic)
        bytes.append(little: UInt32(1))
        bytes.append(little: UInt64(bitPattern: first))
        bytes.append(little: mark)
        bytes.append(little: bytes.withUnsafeBytes { crc32c($0) })
        return bytes
    }

    /// The mark of a file that begins with the first `count` bytes; 0, which none has, when they are not its header as it was written.
    static func mark(_ bytes: UnsafeRawBufferPointer, count: Int, first: Int64) -> UInt64 {
        guard count >= size, bytes.count >= size else { return 0 }
        let mark = bytes.little64(20)
        return bytes[..<size].elementsEqual(encode(first: first, mark: mark)) ? mark : 0
    }
}

extension Array where Element == UInt8 {
    mutating func append(little value: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
    }
}

extension UnsafeRawBufferPointer {
    /// The caller has checked the bounds.
    func little32(_ place: Int) -> UInt32 {
        UInt32(littleEndian: loadUnaligned(fromByteOffset: place, as: UInt32.self))
    }
    func little64(_ place: Int) -> UInt64 {
        UInt64(littleEndian: loadUnaligned(fromByteOffset: place, as: UInt64.self))
    }
}
