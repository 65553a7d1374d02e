import Glibc

/// The recorded answers beside the package, where they are.
let goldFolder: String? = {
    var parts = #filePath.split(separator: "/", omittingEmptySubsequences: false)
    while !parts.isEmpty {
        let candidate = (parts + ["shared", "gold"]).joined(separator: "/")
        if access(candidate + "/answers", R_OK) == 0 { return candidate }
        parts.removeLast()
    }
    return nil
}()

struct FileMissing: Error { var path: String }

func fileText(_ path: String) throws -> String {
    guard let file = fopen(path, "r") else { throw FileMissing(path: path) }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 1 << 16)
    while true {
        let count = fread(&piece, 1, piece.count, file)
        if count == 0 { break }
        bytes += piece[..<count]
    }
    return String(decoding: bytes, as: UTF8.self)
}
