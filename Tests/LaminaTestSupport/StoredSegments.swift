import Glibc
import LaminaBase
package import LaminaSegment

/// The tables as V9 segments, written and opened again.
package struct StoredSegments {
    package private(set) var views: [String: [any SegmentView]] = [:]

    package init(_ tables: [String: [MemoryRows]]) throws {
        let folder = try makeTemporaryFolder()
        defer { removeTree(folder) }
        for (name, parts) in tables {
            for (index, part) in parts.enumerated() {
                let path = "\(folder)/\(name)\(index)"
                var options = SegmentWriteOptions()
                options.synchronized = false
                _ = try SegmentWriter.write(part.segment(), to: path, options: options)
                // Mapped files stay readable when their names are gone.
                views[name, default: []].append(try Segment.open(path: path))
            }
        }
    }
}

/// Removes a folder and all in it.
package func removeTree(_ path: String) {
    guard let folder = opendir(path) else {
        unlink(path)
        return
    }
    while let entry = readdir(folder) {
        let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        if name != ".", name != ".." { removeTree("\(path)/\(name)") }
    }
    closedir(folder)
    rmdir(path)
}

/// A fresh folder below `/tmp`.
package func makeTemporaryFolder() throws -> String {
    var template = Array("/tmp/lamina-oracle-XXXXXX\0".utf8CString)
    guard mkdtemp(&template) != nil else { throw LaminaError.io("make a folder", path: "/tmp", errno: errno) }
    return template.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
}
