import CZlib
package import LaminaBase

/// The bytes as one gzip member; for HTTP bodies (level 1 is meant for those).
package func gzipCompress(_ bytes: [UInt8], level: Int32 = 1) throws(LaminaError) -> [UInt8] {
    let compressor = try GzipCompressor(level: level)
    var compressed: [UInt8] = []
    let problem = bytes.withUnsafeBytes { raw in
        compressor.compress(raw, finish: true, to: &compressed)
    }
    if let problem { throw problem }
    return compressed
}

/// Opens gzip bytes; refused as soon as they are more than `limit` bytes, so that a small body cannot fill the memory.
package func gunzip(_ bytes: [UInt8], limit: Int) throws(LaminaError) -> [UInt8] {
    try GzipSource(MemoryByteSource(bytes)).readAll(limit: limit)
}

/// Makes one gzip member piece by piece, for streamed answers.
package final class GzipCompressor {
    private let stream: UnsafeMutablePointer<z_stream>

    package init(level: Int32 = 1) throws(LaminaError) {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        let status = deflateInit2_(
            stream,
            level,
            Z_DEFLATED,
            31,
            8,
            Z_DEFAULT_STRATEGY,
            ZLIB_VERSION,
            Int32(MemoryLayout<z_stream>.size)
        )
        guard status == Z_OK else { throw .resourceLimit("No memory to compress with gzip") }
    }

    deinit {
        deflateEnd(stream)
        stream.deallocate()
    }

    /// Compresses a piece and appends what is ready to `target`; `finish` ends the member. Answers what went wrong, if anything.
    package func compress(_ bytes: UnsafeRawBufferPointer, finish: Bool, to target: inout [UInt8]) -> LaminaError? {
        var position = 0
        let room = UnsafeMutablePointer<UInt8>.allocate(capacity: 65536)
        defer { room.deallocate() }
        while true {
            let count = min(bytes.count - position, 1 << 30)
            let isLast = position + count == bytes.count
            stream.pointee.next_in = bytes.baseAddress.map {
                UnsafeMutablePointer(mutating: ($0 + position).assumingMemoryBound(to: UInt8.self))
            }
            stream.pointee.avail_in = UInt32(count)
            var status = Z_OK
            repeat {
                stream.pointee.next_out = room
                stream.pointee.avail_out = 65536
                status = deflate(stream, isLast && finish ? Z_FINISH : Z_NO_FLUSH)
                if status == Z_STREAM_ERROR {
                    return LaminaError(.defensive, code: "gzip", "zlib refused to compress (status \(status))")
                }
                target.append(
                    contentsOf: UnsafeBufferPointer(start: room, count: 65536 - Int(stream.pointee.avail_out))
                )
            } while stream.pointee.avail_out == 0
            position += count
            if isLast { return nil }
        }
    }
}
