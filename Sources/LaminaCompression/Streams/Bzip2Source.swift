import CBZip2
import LaminaBase

/// Opens bzip2 data, also of several streams one after another.
final class Bzip2Source: ByteSource {
    private let input: BufferedInput
    private let stream: UnsafeMutablePointer<bz_stream>
    private var isOpen = false
    private var streams = 0

    init(_ source: any ByteSource) {
        input = BufferedInput(source, format: "bzip2")
        stream = .allocate(capacity: 1)
        stream.initialize(to: bz_stream())
    }

    deinit {
        if isOpen { BZ2_bzDecompressEnd(stream) }
        stream.deallocate()
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws(LaminaError) -> Int {
        while true {
            guard try input.require(1) else {
                if isOpen { throw input.endsEarly }
                return 0
            }
            if !isOpen {
                stream.initialize(to: bz_stream())
                guard BZ2_bzDecompressInit(stream, 0, 0) == BZ_OK else {
                    throw .resourceLimit("No memory to open bzip2 data")
                }
                isOpen = true
                streams += 1
            }
            let available = input.available
            let outputCount = min(buffer.count, 1 << 30)
            stream.pointee.next_in = available.baseAddress?.assumingMemoryBound(to: CChar.self)
            stream.pointee.avail_in = UInt32(available.count)
            stream.pointee.next_out = buffer.baseAddress?.assumingMemoryBound(to: CChar.self)
            stream.pointee.avail_out = UInt32(outputCount)
            let status = BZ2_bzDecompress(stream)
            input.consume(available.count - Int(stream.pointee.avail_in))
            let made = outputCount - Int(stream.pointee.avail_out)
            if status == BZ_STREAM_END {
                BZ2_bzDecompressEnd(stream)
                isOpen = false
            } else if status == BZ_DATA_ERROR_MAGIC, streams == 1 {
                throw input.damaged("not bzip2 data")
            } else if status != BZ_OK {
                throw input.damaged("bzip2 status \(status)")
            }
            if made > 0 { return made }
        }
    }
}
