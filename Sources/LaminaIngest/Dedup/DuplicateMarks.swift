import Glibc
import LaminaBase

/// One bit for every row of the input: whether it has to go. The bits lie in a mapped file without a name, so that many rows need
/// no more memory than the system can spare.
///
/// `@unchecked Sendable`: written by one thread, then only read.
final class DuplicateMarks: @unchecked Sendable {
    private static let partBytes = 1 << 20
    private static let partRows = Int64(partBytes * 8)

    private let file: UnnamedFile
    private var parts: [UnsafeMutableRawPointer] = []
    /// The sum over all rows that were compared; see `KeyedRows.checksum`.
    var checksum: UInt64 = 0

    init(path: String) throws(LaminaError) { file = try UnnamedFile(path: path) }

    deinit { for part in parts { munmap(part, Self.partBytes) } }

    /// Makes room for rows up to a number.
    func grow(to rows: Int64) throws(LaminaError) {
        while Int64(parts.count) * Self.partRows < rows {
            let offset = off_t(parts.count * Self.partBytes)
            // The disk's room is taken now: a write through the mapping could not fail but by a signal.
            let code = posix_fallocate(file.descriptor, offset, off_t(Self.partBytes))
            guard code == 0 else { throw .io("write to", path: file.path, errno: code) }
            let mapped = mmap(nil, Self.partBytes, PROT_READ | PROT_WRITE, MAP_SHARED, file.descriptor, offset)
            guard let mapped, mapped != MAP_FAILED else { throw .io("map", path: file.path, errno: errno) }
            parts.append(mapped)
        }
    }

    /// Marks a row there is room for.
    func mark(_ row: Int64) {
        let byte = parts[Int(row / Self.partRows)] + Int(row % Self.partRows >> 3)
        byte.storeBytes(of: byte.load(as: UInt8.self) | 1 &<< UInt8(row & 7), as: UInt8.self)
    }

    func contains(_ row: Int64) -> Bool {
        let part = Int(row / Self.partRows)
        guard part < parts.count else { return false }
        return (parts[part] + Int(row % Self.partRows >> 3)).load(as: UInt8.self) & 1 &<< UInt8(row & 7) != 0
    }
}
