import CSnappy
import LaminaBase

/// Opens snappy framed data (`.sz`): chunks of at most 64 KiB, each with its masked CRC-32C.
final class SnappySource: ByteSource {
    private static let chunkMax = 65536

    private let input: BufferedInput
    private let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: chunkMax, alignment: 16)
    private var position = 0
    private var end = 0
    private var begun = false

    init(_ source: any ByteSource) {
        input = BufferedInput(source, format: "snappy")
    }

    deinit { chunk.deallocate() }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws(LaminaError) -> Int {
        while position == end {
            guard try nextChunk() else { return 0 }
        }
        let count = min(buffer.count, end - position)
        buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: chunk[position..<position + count]))
        position += count
        return count
    }

    /// Reads one chunk of any kind; false at the end of the data.
    private func nextChunk() throws(LaminaError) -> Bool {
        guard try input.require(4) else {
            if try input.require(1) { throw input.endsEarly }
            return false
        }
        let header = input.u32(0)
        let kind = UInt8(truncatingIfNeeded: header)
        let size = Int(header >> 8)
        if !begun, kind != 0xFF { throw input.damaged("not framed snappy data") }
        input.consume(4)
        switch kind {
        case 0xFF:
            guard size == 6, try input.require(6), input.available.prefix(6).elementsEqual("sNaPpY".utf8) else {
                throw input.damaged("not framed snappy data")
            }
            begun = true
            input.consume(6)
        case 0x00, 0x01: try dataChunk(compressed: kind == 0, size: size)
        case 0x02..<0x80: throw input.damaged("a chunk of unknown kind \(kind)")
        default: try skip(size)
        }
        return true
    }

    private func dataChunk(compressed: Bool, size: Int) throws(LaminaError) {
        guard size >= 4, size <= 4 + snappy_max_compressed_length(Self.chunkMax) else {
            throw input.damaged("a chunk of \(size) bytes")
        }
        guard try input.require(size) else { throw input.endsEarly }
        let checksum = input.u32(0)
        let body = UnsafeMutableRawBufferPointer(rebasing: input.available[4..<size])
        var length = Self.chunkMax
        if compressed {
            let source = body.baseAddress?.assumingMemoryBound(to: CChar.self)
            var stated = 0
            guard snappy_uncompressed_length(source, body.count, &stated) == SNAPPY_OK, stated <= Self.chunkMax,
                snappy_uncompress(source, body.count, chunk.baseAddress?.assumingMemoryBound(to: CChar.self), &length)
                    == SNAPPY_OK
            else { throw input.damaged("a chunk that does not decompress") }
        } else {
            guard body.count <= Self.chunkMax else { throw input.damaged("a chunk of \(body.count) bytes") }
            chunk.copyMemory(from: UnsafeRawBufferPointer(body))
            length = body.count
        }
        let actual = crc32c(UnsafeRawBufferPointer(rebasing: chunk[..<length]))
        guard (actual >> 15 | actual << 17) &+ 0xA282_EAD8 == checksum else { throw input.damaged("a wrong checksum") }
        input.consume(size)
        position = 0
        end = length
    }

    private func skip(_ size: Int) throws(LaminaError) {
        var left = size
        while left > 0 {
            guard try input.require(1) else { throw input.endsEarly }
            let step = min(left, input.available.count)
            input.consume(step)
            left -= step
        }
    }
}
