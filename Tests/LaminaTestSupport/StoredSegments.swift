import LaminaBase
package import LaminaSegment

/// The tables as V9 segments, written and opened again.
package struct StoredSegments {
    package private(set) var views: [String: [any SegmentView]] = [:]

    package init(_ tables: [String: [MemoryRows]]) throws {
        let folder = try makeTemporaryFolder()
        defer { removeTestFiles(folder) }
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
