import CZlib
package import LaminaBase

/// The bytes of gzip members (or a zlib stream) held in memory, refusing what grows beyond `limit`.
///
/// For request bodies: small, whole, and from anybody. Files are read through `decompressing` instead.
package func gunzipped(_ bytes: [UInt8], limit: Int) throws(LaminaError) -> [UInt8] {
    var stream = z_stream()
    // 15 bits of window, 32 more find out between gzip's and zlib's frame.
    guard inflateInit2_(&stream, 15 + 32, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
        throw LaminaError(.runtimeFailure, code: "zlib", "zlib cannot start to decompress")
    }
    defer { inflateEnd(&stream) }
    var result: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 64 << 10)
    var consumed = 0
    while true {
        let (code, produced, taken) = step(&stream, bytes, from: consumed, into: &piece)
        consumed += taken
        guard result.count + produced <= limit else {
            throw .invalidInput("The gzipped data opens to more than \(limit) bytes")
        }
        result.append(contentsOf: piece[..<produced])
        if code == Z_STREAM_END {
            if consumed == bytes.count { return result }
            // Another member follows.
            inflateReset(&stream)
        } else if code != Z_OK || (taken == 0 && produced == 0) {
            throw .invalidInput(
                "The gzipped data is broken or cut short at byte \(consumed)",
                context: ["byte": "\(consumed)"]
            )
        }
    }
}

private func step(
    _ stream: inout z_stream,
    _ bytes: [UInt8],
    from start: Int,
    into piece: inout [UInt8]
) -> (code: Int32, produced: Int, taken: Int) {
    bytes.withUnsafeBufferPointer { input in
        piece.withUnsafeMutableBufferPointer { output in
            let left = UnsafeBufferPointer(rebasing: input[start...])
            stream.next_in = UnsafeMutablePointer(mutating: left.baseAddress)
            stream.avail_in = UInt32(clamping: left.count)
            stream.next_out = output.baseAddress
            stream.avail_out = UInt32(output.count)
            let offered = Int(stream.avail_in)
            let code = inflate(&stream, Z_NO_FLUSH)
            return (code, output.count - Int(stream.avail_out), offered - Int(stream.avail_in))
        }
    }
}
