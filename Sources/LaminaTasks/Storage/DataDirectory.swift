import Glibc
package import LaminaBase

/// The layout of a data directory: one folder to back up (segments/README.md).
package struct DataDirectory: Sendable, Hashable {
    /// Absolute, without a slash at the end.
    package let root: String

    /// - Parameter path: made absolute and created when missing, unless `creating` is false.
    package init(_ path: String, creating: Bool = true) throws(LaminaError) {
        if creating { try makeFolders(path) }
        guard let resolved = realpath(path, nil) else { throw .io("find the data directory", path: path, errno: errno) }
        root = String(cString: resolved)
        free(resolved)
        guard creating else { return }
        for folder in [segments, tasks, work, streams] { try makeFolders(folder) }
    }

    package var metadata: String { "\(root)/metadata.db" }
    /// Deep storage.
    package var segments: String { "\(root)/segments" }
    /// Logs and reports of tasks.
    package var tasks: String { "\(root)/tasks" }
    /// Work folders of running tasks; whatever lies here at start belongs to tasks that were killed.
    package var work: String { "\(root)/work" }
    /// What streams hold that is not published yet.
    package var streams: String { "\(root)/streams" }

    /// The folder of a supervisor.
    package func stream(_ id: String) -> String { "\(streams)/\(fileName(id))" }

    /// Held by a running server; contains its pid.
    package var lock: String { "\(root)/server.pid" }

    package func log(task id: String) -> String { "\(tasks)/\(fileName(id)).log" }
    package func report(task id: String) -> String { "\(tasks)/\(fileName(id)).report.json" }
    package func work(task id: String) -> String { "\(work)/\(fileName(id))" }

    /// Where a segment lies, relative to the root: the path of its load spec.
    package func relativePath(of segment: DataSegment) -> String {
        let interval = "\(instantText(segment.interval.start))_\(instantText(segment.interval.end))"
        let place = [
            fileName(segment.dataSource), interval, fileName(segment.version), "\(segment.shardSpec.partition)",
        ]
        return "segments/" + place.joined(separator: "/") + "/index"
    }

    /// The folder (or zip) of a stored segment; nil for tombstones. Relative load paths count from the root.
    package func path(of segment: DataSegment) -> String? {
        guard segment.loadSpec["type"]?.stringValue == "local", let path = segment.loadSpec["path"]?.stringValue else {
            return nil
        }
        return path.hasPrefix("/") ? path : "\(root)/\(path)"
    }

    /// Removes the folders above a removed segment that are empty now, up to deep storage itself.
    func removeEmptyParents(of relativePath: String) throws(LaminaError) {
        var parts = relativePath.split(separator: "/").dropLast()
        while parts.count > 1 {
            let path = "\(root)/\(parts.joined(separator: "/"))"
            guard rmdir(path) == 0 || errno == ENOENT else { return }
            parts = parts.dropLast()
        }
    }

    /// Ids and names are users' text: what could leave the folder or be too long for a file name is escaped as `%XX`.
    private func fileName(_ text: String) -> String {
        var name = ""
        for byte in text.utf8 {
            let isPlain = byte > 0x20 && byte != UInt8(ascii: "/") && byte != UInt8(ascii: "%") && byte < 0x7F
            if isPlain && !(name.isEmpty && byte == UInt8(ascii: ".")) {
                name.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                name += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }
        return name.isEmpty ? "%" : name
    }
}
