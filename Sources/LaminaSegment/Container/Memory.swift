import Glibc
import LaminaBase

/// Read-only memory that stays at its address for as long as this object lives: a mapped file or a copy of bytes.
///
/// Everything that points into a segment holds the `Memory` it points into, so that a dropped segment is unmapped
/// when its last reader is done. Sendable since nobody writes to it after it is made.
final class Memory: @unchecked Sendable {
    let base: UnsafeRawPointer
    let count: Int
    /// The file it was read from, for errors; empty for memory that comes from no file.
    let origin: String
    private let isMapped: Bool

    /// Maps a whole file. An empty file is no error.
    init(mapping path: String) throws(LaminaError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .io("open", path: path, errno: errno) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw .io("read the size of", path: path, errno: errno) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw LaminaError.corrupt("not a regular file", at: path)
        }
        count = Int(status.st_size)
        origin = path
        if count == 0 {
            base = UnsafeRawPointer(UnsafeMutableRawPointer.allocate(byteCount: 1, alignment: 8))
            isMapped = false
        } else {
            guard let address = mmap(nil, count, PROT_READ, MAP_SHARED, descriptor, 0), address != MAP_FAILED else {
                throw .io("map", path: path, errno: errno)
            }
            base = UnsafeRawPointer(address)
            isMapped = true
        }
    }

    init(copying bytes: [UInt8], origin: String = "") {
        self.origin = origin
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: max(1, bytes.count), alignment: 64)
        copy.copyBytes(from: bytes)
        base = UnsafeRawPointer(copy.baseAddress ?? UnsafeMutableRawPointer.allocate(byteCount: 1, alignment: 64))
        count = bytes.count
        isMapped = false
    }

    /// Memory of `byteCount` bytes that `fill` writes to the end.
    init(
        byteCount: Int,
        origin: String = "",
        _ fill: (UnsafeMutableRawBufferPointer) throws(LaminaError) -> Void
    ) throws(LaminaError) {
        self.origin = origin
        let buffer = UnsafeMutableRawPointer.allocate(byteCount: max(1, byteCount), alignment: 64)
        do throws(LaminaError) {
            try fill(UnsafeMutableRawBufferPointer(start: buffer, count: byteCount))
        } catch {
            buffer.deallocate()
            throw error
        }
        base = UnsafeRawPointer(buffer)
        count = byteCount
        isMapped = false
    }

    deinit {
        if isMapped { munmap(UnsafeMutableRawPointer(mutating: base), count) } else { base.deallocate() }
    }
}
