import Glibc
import LaminaBase
import LaminaMetadata

/// A step of a publish after which a process may die.
package enum PublishStep: Sendable, Hashable {
    case sized, listed, moved, stored, cleared
}

/// The folders of stored segments: how they come in before a publish, and how those go that no segment refers to.
struct DeepStorage: Sendable {
    /// In the work folder of a publisher: what it is about to publish.
    static let intentName = "publish.json"

    let directory: DataDirectory
    let store: MetadataStore

    /// Moves built folders to where their segments belong.
    ///
    /// The intent file in `work` lists every folder before it is moved, so that after a crash between move and transaction the next
    /// start finds and removes what nothing refers to.
    /// - Returns: the segments with load spec and size.
    func moveIn(
        _ built: [(segment: DataSegment, folder: String?)],
        work: String,
        probe: ((PublishStep) -> Void)? = nil
    ) throws(LaminaError) -> [DataSegment] {
        var segments: [DataSegment] = []
        for item in built {
            var segment = item.segment
            if let folder = item.folder {
                segment.loadSpec = ["type": "local", "path": .string(directory.relativePath(of: segment))]
                // A move that is tried again finds some folders moved.
                let source = fileExists(folder) ? folder : directory.path(of: segment) ?? folder
                segment.size = try folderBytes(source)
            }
            segments.append(segment)
        }
        probe?(.sized)
        try writeFile("\(work)/\(Self.intentName)", Array(Self.list(segments).text.utf8))
        probe?(.listed)
        for (item, segment) in zip(built, segments) {
            guard let folder = item.folder, let target = directory.path(of: segment) else { continue }
            guard fileExists(folder) || !fileExists(target) else { continue }
            // What lies there under an id that nobody knows was left by a publish that died.
            if fileExists(target), try store.segment(id: segment.id.text) == nil { try removeTree(target) }
            try move(folder, to: target)
            probe?(.moved)
        }
        return segments
    }

    /// An intent file's text.
    static func list(_ segments: [DataSegment]) -> JSON {
        .array(
            segments.map {
                [
                    "id": .string($0.id.text), "dataSource": .string($0.dataSource),
                    "path": $0.loadSpec["path"] ?? .null,
                ]
            }
        )
    }

    private func move(_ folder: String, to target: String) throws(LaminaError) {
        let parent = String(target[..<(target.lastIndex(of: "/") ?? target.endIndex)])
        try makeFolders(parent)
        guard rename(folder, target) == 0 else { throw .io("move a segment to", path: target, errno: errno) }
        // The chain of new folders must be durable before the transaction refers to it.
        var path = parent
        while path.count >= directory.segments.count {
            try syncFolder(path)
            guard let slash = path.lastIndex(of: "/") else { break }
            path = String(path[..<slash])
        }
    }

    /// Removes the folders of listed segments, unless a stored segment has them, under the listed id or another one.
    /// - Returns: true when a listed id or folder is known: one transaction published them all.
    func removeUnpublished(listedIn path: String) throws(LaminaError) -> Bool {
        // It is renamed into its place when it is whole: what is no list was never begun with.
        guard let bytes = try readFile(path), let list = try? JSONParser.parse(bytes).arrayValue else { return false }
        var isPublished = false
        var orphans: [String: Set<String>] = [:]
        for item in list {
            guard let id = item["id"]?.stringValue else { continue }
            if try store.segment(id: id) != nil {
                isPublished = true
            } else if let path = item["path"]?.stringValue {
                let name = item["dataSource"]?.stringValue ?? SegmentID(parsing: id)?.dataSource ?? ""
                orphans[name, default: []].insert(path)
            }
        }
        for (dataSource, paths) in orphans {
            let shared = try store.storedPaths(paths, dataSource: dataSource)
            if !shared.isEmpty { isPublished = true }
            for path in paths.subtracting(shared) {
                if path.hasPrefix("/") {
                    try removeTree(path)
                } else {
                    try removeTree("\(directory.root)/\(path)")
                    try directory.removeEmptyParents(of: path)
                }
            }
        }
        return isPublished
    }
}
