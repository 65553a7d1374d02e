import CZlib
package import LaminaBase

/// Compresses bytes piece by piece into one gzip member, for answers sent while they are computed.
package final class GzipStream {
    private let stream: UnsafeMutablePointer<z_stream>
    private var output = [UInt8](repeating: 0, count: 64 << 10)

    /// - Parameter level: 1 (fast) to 9 (small).
    package init(level: Int32 = 4) throws(LaminaError) {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        // 15 bits of window, 16 more ask for gzip's frame.
        let code = deflateInit2_(
            stream,
            level,
            Z_DEFLATED,
            15 + 16,
            8,
            Z_DEFAULT_STRATEGY,
            ZLIB_VERSION,
            Int32(MemoryLayout<z_stream>.size)
        )
        guard code == Z_OK else {
            throw LaminaError(.runtimeFailure, code: "zlib", "zlib cannot start to compress (status \(code))")
        }
    }

    deinit {
        deflateEnd(stream)
        stream.deallocate()
    }

    /// Takes `bytes` and gives what is ready; nothing is kept back when `flush` is set. Pass `finish` with the last piece.
    package func compress(_ bytes: [UInt8], flush: Bool = false, finish: Bool = false) -> [UInt8] {
        var result: [UInt8] = []
        let mode = finish ? Z_FINISH : flush ? Z_SYNC_FLUSH : Z_NO_FLUSH
        bytes.withUnsafeBufferPointer { input in
            stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
            stream.pointee.avail_in = UInt32(input.count)
            repeat {
                let room = output.count
                output.withUnsafeMutableBufferPointer { buffer in
                    stream.pointee.next_out = buffer.baseAddress
                    stream.pointee.avail_out = UInt32(room)
                    _ = deflate(stream, mode)
                    result.append(
                        contentsOf: UnsafeBufferPointer(rebasing: buffer[..<(room - Int(stream.pointee.avail_out))])
                    )
                }
            } while stream.pointee.avail_out == 0
            stream.pointee.next_in = nil
        }
        return result
    }
}
