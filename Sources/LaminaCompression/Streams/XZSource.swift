import CLZMA
import LaminaBase

/// Opens xz data, also of several streams. The decoder's memory is limited, whatever the header asks for.
final class XZSource: ByteSource {
    /// Enough for `xz -9` (65 MiB) with room to spare.
    private static let memoryMax: UInt64 = 256 << 20

    private let input: BufferedInput
    private let stream: UnsafeMutablePointer<lzma_stream>
    private var done = false
    private var isEmpty = true

    init(_ source: any ByteSource) throws(LaminaError) {
        input = BufferedInput(source, format: "xz")
        stream = .allocate(capacity: 1)
        stream.initialize(to: lzma_stream())
        guard lzma_stream_decoder(stream, Self.memoryMax, lamina_lzma_concatenated) == LZMA_OK else {
            throw .resourceLimit("No memory to open xz data")
        }
    }

    deinit {
        lzma_end(stream)
        stream.deallocate()
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws(LaminaError) -> Int {
        while !done {
            let hasInput = try input.require(1)
            if !hasInput, isEmpty { return 0 }
            isEmpty = false
            let available = input.available
            stream.pointee.next_in = UnsafePointer(available.baseAddress?.assumingMemoryBound(to: UInt8.self))
            stream.pointee.avail_in = available.count
            stream.pointee.next_out = buffer.baseAddress?.assumingMemoryBound(to: UInt8.self)
            stream.pointee.avail_out = buffer.count
            let status = lzma_code(stream, hasInput ? LZMA_RUN : LZMA_FINISH)
            input.consume(available.count - stream.pointee.avail_in)
            let made = buffer.count - stream.pointee.avail_out
            switch status {
            case LZMA_OK: break
            case LZMA_STREAM_END: done = true
            case LZMA_BUF_ERROR:
                if made == 0, !hasInput { throw input.endsEarly }
            case LZMA_FORMAT_ERROR: throw input.damaged("not xz data")
            case LZMA_MEMLIMIT_ERROR:
                throw .resourceLimit("The xz data needs more than \(Self.memoryMax) bytes to open")
            default: throw input.damaged("xz status \(status.rawValue)")
            }
            if made > 0 { return made }
        }
        return 0
    }
}
