import Glibc

/// Names in a folder without `.` and `..`, sorted; empty when there is no such folder.
package func folderEntries(_ path: String) throws(LaminaError) -> [String] {
    guard let folder = opendir(path) else {
        if errno == ENOENT { return [] }
        throw .io("open the folder", path: path, errno: errno)
    }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
            $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
}

/// Makes a folder's entries durable.
package func syncFolder(_ path: String) throws(LaminaError) {
    let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .io("open the folder", path: path, errno: errno) }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw .io("sync the folder", path: path, errno: errno) }
}

/// Reads a whole file; nil when there is none.
package func readFile(_ path: String) throws(LaminaError) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
        if errno == ENOENT { return nil }
        throw .io("open", path: path, errno: errno)
    }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 1 << 16)
    while true {
        let count = read(descriptor, &piece, piece.count)
        guard count >= 0 else { throw .io("read", path: path, errno: errno) }
        if count == 0 { return bytes }
        bytes += piece[..<count]
    }
}

/// Writes a file as a whole or not at all: to a temporary name, synced, renamed, folder synced.
package func writeFile(_ path: String, _ bytes: [UInt8]) throws(LaminaError) {
    let temporary = "\(path).tmp"
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw .io("create", path: temporary, errno: errno) }
    do throws(LaminaError) {
        defer { close(descriptor) }
        try writeAll(descriptor, bytes, path: temporary)
        guard fsync(descriptor) == 0 else { throw .io("sync", path: temporary, errno: errno) }
    } catch {
        unlink(temporary)
        throw error
    }
    guard rename(temporary, path) == 0 else { throw .io("rename to", path: path, errno: errno) }
    let parent = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    try syncFolder(parent.isEmpty ? "/" : parent)
}

/// Writes all bytes, however many calls that takes.
package func writeAll(_ descriptor: Int32, _ bytes: [UInt8], path: String) throws(LaminaError) {
    var done = 0
    while done < bytes.count {
        let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress.map { $0 + done }, bytes.count - done) }
        guard count >= 0 else {
            if errno == EINTR { continue }
            throw .io("write", path: path, errno: errno)
        }
        done += count
    }
}
