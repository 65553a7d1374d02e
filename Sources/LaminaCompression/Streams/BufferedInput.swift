import LaminaBase

/// The compressed side of a decompressor: a window over the source, with the offset of every byte for errors.
final class BufferedInput {
    private let source: any ByteSource
    private let buffer: UnsafeMutableRawBufferPointer
    private var start = 0
    private var end = 0
    /// Bytes of the source before the window.
    private var consumed = 0
    private var atEnd = false
    let format: String

    init(_ source: any ByteSource, format: String, capacity: Int = 1 << 17) {
        self.source = source
        self.format = format
        buffer = .allocate(byteCount: capacity, alignment: 16)
    }

    deinit { buffer.deallocate() }

    /// Bytes ready to be taken.
    var available: UnsafeMutableRawBufferPointer { UnsafeMutableRawBufferPointer(rebasing: buffer[start..<end]) }
    /// Offset, in the compressed data, of the next byte.
    var offset: Int { consumed + start }

    func consume(_ count: Int) { start += count }

    /// Makes at least `count` bytes available (at most the capacity); false when the source has fewer left.
    func require(_ count: Int) throws(LaminaError) -> Bool {
        precondition(count <= buffer.count, "a window larger than the buffer")
        while end - start < count, !atEnd {
            if start > 0 {
                buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: buffer[start..<end]))
                consumed += start
                end -= start
                start = 0
            }
            let step = try source.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[end...]))
            if step == 0 { atEnd = true } else { end += step }
        }
        return end - start >= count
    }

    func u16(_ place: Int) -> Int {
        Int(UInt16(littleEndian: available.loadUnaligned(fromByteOffset: place, as: UInt16.self)))
    }
    func u32(_ place: Int) -> UInt32 {
        UInt32(littleEndian: available.loadUnaligned(fromByteOffset: place, as: UInt32.self))
    }

    func damaged(_ what: String) -> LaminaError {
        .invalidInput(
            "Damaged \(format) data at byte \(offset): \(what)",
            context: ["byte": "\(offset)", "format": format]
        )
    }

    var endsEarly: LaminaError { damaged("the data ends early") }
}
