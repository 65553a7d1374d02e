import Glibc

/// A fresh folder's name (not made yet) below the system's folder for temporary files.
func temporaryFolder() -> String {
    let base = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    return "\(base)/lamina-test-\(getpid())-\(UInt64.random(in: 0 ... .max))"
}

/// Removes a folder of plain files.
func removeFolder(_ path: String) {
    if let stream = opendir(path) {
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { unlink("\(path)/\(name)") }
        }
        closedir(stream)
    }
    rmdir(path)
}
