import Glibc
import LaminaBase

/// A zip archive of a test's own making.
struct StoredZip {
    var bytes: [UInt8]

    /// Entries are stored, or deflated in blocks that hold their bytes as they are.
    static func make(_ files: [String: [UInt8]], deflated: Bool) -> StoredZip {
        func little(_ value: Int, _ width: Int) -> [UInt8] {
            (0..<width).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
        }
        var bytes: [UInt8] = []
        var directory: [UInt8] = []
        for (name, content) in files.sorted(by: { $0.key < $1.key }) {
            let data = deflated ? deflate(content) : content
            let common =
                little(20, 2) + little(0, 2) + little(deflated ? 8 : 0, 2) + little(0, 4)
                + little(Int(crc32(content)), 4)
                + little(data.count, 4) + little(content.count, 4) + little(name.utf8.count, 2) + little(0, 2)
            directory +=
                little(0x0201_4B50, 4) + little(20, 2) + common + little(0, 10) + little(bytes.count, 4)
                + Array(name.utf8)
            bytes += little(0x0403_4B50, 4) + common + Array(name.utf8) + data
        }
        let start = bytes.count
        bytes += directory + little(0x0605_4B50, 4) + little(0, 4) + little(files.count, 2) + little(files.count, 2)
        bytes += little(directory.count, 4) + little(start, 4) + little(0, 2)
        return StoredZip(bytes: bytes)
    }

    private static func deflate(_ content: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        var rest = content[...]
        repeat {
            let piece = rest.prefix(65535)
            rest = rest.dropFirst(piece.count)
            let count = UInt16(piece.count)
            result.append(rest.isEmpty ? 1 : 0)
            for word in [count, ~count] { result += [UInt8(word & 0xFF), UInt8(word >> 8)] }
            result += piece
        } while !rest.isEmpty
        return result
    }

    private static func crc32(_ bytes: [UInt8]) -> UInt32 {
        var crc = UInt32.max
        for byte in bytes {
            crc ^= UInt32(byte)
            for _ in 0..<8 { crc = crc & 1 != 0 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
        }
        return ~crc
    }

    func write(to path: String) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
        guard descriptor >= 0 else { throw LaminaError.io("create", path: path, errno: errno) }
        defer { close(descriptor) }
        guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count else {
            throw LaminaError.io("write", path: path, errno: errno)
        }
    }
}

func makeFolder(_ path: String) throws {
    guard mkdir(path, 0o755) == 0 else { throw LaminaError.io("create", path: path, errno: errno) }
}
