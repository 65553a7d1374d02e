import CZlib
import LaminaBase

/// Opens the first file of a zip archive, read from its beginning; an archive without files is empty.
///
/// Source: `CompressionUtils.decompress` of Druid, which reads the first entry only.
final class ZipSource: ByteSource {
    private let input: BufferedInput
    private let inflater: Inflater
    private var entry: LocalHeader?
    private var left: UInt64 = 0
    private var crc: UInt = 0
    private var size: UInt64 = 0
    private var done = false

    private struct LocalHeader {
        var isStored: Bool
        var hasDescriptor: Bool
        var crc: UInt32
        var compressedSize: UInt64
        var size: UInt64
        var isZip64: Bool
    }

    init(_ source: any ByteSource) throws(LaminaError) {
        input = BufferedInput(source, format: "zip")
        inflater = try Inflater(windowBits: -15)
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws(LaminaError) -> Int {
        if done { return 0 }
        if entry == nil {
            entry = try firstFile()
            left = entry?.compressedSize ?? 0
        }
        guard let entry else {
            done = true
            return 0
        }
        let count = try entry.isStored ? readStored(into: buffer) : readDeflated(into: buffer)
        if count == 0 {
            try verify(entry)
            done = true
            return 0
        }
        crc = crc32(crc, buffer.baseAddress?.assumingMemoryBound(to: UInt8.self), UInt32(count))
        size += UInt64(count)
        return count
    }

    private func readStored(into buffer: UnsafeMutableRawBufferPointer) throws(LaminaError) -> Int {
        if left == 0 { return 0 }
        guard try input.require(1) else { throw input.endsEarly }
        let count = Int(min(UInt64(min(buffer.count, input.available.count)), left))
        buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: input.available[..<count]))
        input.consume(count)
        left -= UInt64(count)
        return count
    }

    private var inflated = false

    private func readDeflated(into buffer: UnsafeMutableRawBufferPointer) throws(LaminaError) -> Int {
        while !inflated {
            guard try input.require(1) else { throw input.endsEarly }
            let piece = UnsafeMutableRawBufferPointer(rebasing: buffer[..<min(buffer.count, 1 << 30)])
            let step = inflater.step(input.available, into: piece)
            input.consume(step.taken)
            if let problem = step.problem { throw input.damaged(problem) }
            inflated = step.finished
            if step.made > 0 { return step.made }
        }
        return 0
    }

    /// Passes over directories up to the first file; nil when the archive has none.
    private func firstFile() throws(LaminaError) -> LocalHeader? {
        guard try input.require(1) else { return nil }
        while true {
            guard try input.require(4) else { throw input.endsEarly }
            let signature = input.u32(0)
            // The central directory: there was no file.
            if signature == 0x0201_4B50 || signature == 0x0605_4B50 { return nil }
            guard signature == 0x0403_4B50 else { throw input.damaged("not a zip archive") }
            guard try input.require(30) else { throw input.endsEarly }
            let flags = input.u16(6)
            let method = input.u16(8)
            let nameCount = input.u16(26)
            let extraCount = input.u16(28)
            var header = LocalHeader(
                isStored: method == 0,
                hasDescriptor: flags & 8 != 0,
                crc: input.u32(14),
                compressedSize: UInt64(input.u32(18)),
                size: UInt64(input.u32(22)),
                isZip64: false
            )
            input.consume(30)
            guard try input.require(nameCount) else { throw input.endsEarly }
            let isDirectory = nameCount > 0 && input.available[nameCount - 1] == UInt8(ascii: "/")
            input.consume(nameCount)
            guard try input.require(extraCount) else { throw input.endsEarly }
            let extra = UnsafeRawBufferPointer(rebasing: input.available[..<extraCount])
            header.isZip64 = ZipExtra.apply(extra, size: &header.size, compressedSize: &header.compressedSize)
            input.consume(extraCount)
            if flags & 1 != 0 { throw .unsupported("an encrypted zip archive") }
            guard method == 0 || method == 8 else { throw .unsupported("zip compression method \(method)") }
            if isDirectory, header.compressedSize == 0, !header.hasDescriptor { continue }
            if header.isStored, header.hasDescriptor { throw .unsupported("a stored zip entry without its size") }
            return header
        }
    }

    private func verify(_ entry: LocalHeader) throws(LaminaError) {
        var expected = (crc: entry.crc, size: entry.size)
        if entry.hasDescriptor {
            guard try input.require(4) else { throw input.endsEarly }
            // The descriptor's signature is optional.
            if input.u32(0) == 0x0807_4B50 { input.consume(4) }
            guard try input.require(12) else { throw input.endsEarly }
            expected.crc = input.u32(0)
            let isLong = entry.isZip64
            guard try input.require(isLong ? 20 : 12) else { throw input.endsEarly }
            expected.size = isLong ? UInt64(input.u32(12)) | UInt64(input.u32(16)) << 32 : UInt64(input.u32(8))
        }
        guard expected.size == size, expected.crc == UInt32(truncatingIfNeeded: crc) else {
            throw input.damaged("a wrong checksum or size")
        }
    }
}

/// The extra fields of a zip header.
enum ZipExtra {
    /// Takes the 64-bit sizes where the short ones say so; true when the field is there.
    static func apply(
        _ extra: UnsafeRawBufferPointer,
        size: inout UInt64,
        compressedSize: inout UInt64,
        offset: UnsafeMutablePointer<UInt64>? = nil
    ) -> Bool {
        var place = 0
        while place + 4 <= extra.count {
            let kind = UInt16(littleEndian: extra.loadUnaligned(fromByteOffset: place, as: UInt16.self))
            let count = Int(UInt16(littleEndian: extra.loadUnaligned(fromByteOffset: place + 2, as: UInt16.self)))
            place += 4
            guard place + count <= extra.count else { return false }
            if kind == 1 {
                var position = place
                let end = place + count
                func take(_ value: inout UInt64) {
                    guard value == 0xFFFF_FFFF, position + 8 <= end else { return }
                    value = UInt64(littleEndian: extra.loadUnaligned(fromByteOffset: position, as: UInt64.self))
                    position += 8
                }
                take(&size)
                take(&compressedSize)
                if let offset { take(&offset.pointee) }
                return true
            }
            place += count
        }
        return false
    }
}
