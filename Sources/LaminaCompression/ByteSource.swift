import Glibc
package import LaminaBase

/// A stream of bytes that is pulled: files, HTTP bodies, and decompressors over either. Used by one thread at a time.
package protocol ByteSource: AnyObject {
    /// Fills some of the buffer (not empty) and answers how many bytes; 0 is the end. Blocks until there is at least one byte.
    func read(into buffer: UnsafeMutableRawBufferPointer) throws(LaminaError) -> Int
}

extension ByteSource {
    /// Fills the buffer as far as the source reaches; fewer bytes than asked for are the end.
    package func readFully(into buffer: UnsafeMutableRawBufferPointer) throws(LaminaError) -> Int {
        var count = 0
        while count < buffer.count {
            let step = try read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[count...]))
            if step == 0 { break }
            count += step
        }
        return count
    }

    /// Everything that is left, refused when it is more than `limit` bytes.
    package func readAll(limit: Int) throws(LaminaError) -> [UInt8] {
        var bytes: [UInt8] = []
        let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: 65536, alignment: 16)
        defer { piece.deallocate() }
        while true {
            let count = try read(into: piece)
            if count == 0 { return bytes }
            guard bytes.count + count <= limit else { throw .resourceLimit("The data is larger than \(limit) bytes") }
            bytes.append(contentsOf: piece[..<count])
        }
    }
}

/// Reads a file from its beginning.
package final class FileByteSource: ByteSource {
    private let descriptor: Int32
    private let path: String

    package init(path: String) throws(LaminaError) {
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        self.path = path
        guard descriptor >= 0 else { throw .io("open", path: path, errno: errno) }
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    package func read(into buffer: UnsafeMutableRawBufferPointer) throws(LaminaError) -> Int {
        while true {
            let count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
            if count >= 0 { return count }
            if errno != EINTR { throw .io("read", path: path, errno: errno) }
        }
    }
}

/// Bytes in memory as a source.
package final class MemoryByteSource: ByteSource {
    private let bytes: [UInt8]
    private var position = 0

    package init(_ bytes: [UInt8]) { self.bytes = bytes }

    package func read(into buffer: UnsafeMutableRawBufferPointer) throws(LaminaError) -> Int {
        let count = min(buffer.count, bytes.count - position)
        if count > 0 { buffer.copyBytes(from: bytes[position..<position + count]) }
        position += count
        return count
    }
}
