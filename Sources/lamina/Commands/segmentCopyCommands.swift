import Glibc
import LaminaBase
import LaminaCompression
import LaminaSegment
import LaminaTasks

private let dataOption = Option(name: "data", value: "DIR", help: "The data directory (default segments)")

let segmentImportCommand = Command(
    name: "import",
    summary: "Take Druid's segments into a data directory",
    discussion: """
        FOLDER holds segment.json (the payload of Druid's metadata row) and index/ or index.zip. All segments become visible \
        at once; those that are there already are left out. No server may hold the directory.
        """,
    options: [dataOption],
    positionals: [
        Positional(name: "FOLDER", help: "A folder with segment.json and index/ or index.zip", isRepeated: true)
    ],
    examples: ["lamina segment import --data segments /backup/wikipedia/*"],
    body: { arguments in
        var segments: [DataSegment] = []
        var folders: [String] = []
        for folder in arguments.positionals {
            let segment = try DataSegment(json: try readJSON("\(folder)/segment.json"))
            if !segment.isTombstone {
                // What does not open must not become part of the directory.
                _ = try Segment.open(path: folder)
            }
            segments.append(segment)
            folders.append(folder)
        }
        let node = try Node(arguments.string("data") ?? Node.defaultDirectory)
        defer { node.close() }
        let stored = try node.tasks.importSegments(segments) { index, target throws(LaminaError) in
            try copySegment(folders[index], to: target)
        }
        for segment in stored { say("\(segment.id)\n") }
        say("\(stored.count) segments imported, \(segments.count - stored.count) were there already\n")
        return 0
    }
)

let segmentExportCommand = Command(
    name: "export",
    summary: "Copy a datasource's visible segments out, for a real Druid",
    discussion: "Writes OUT/N/segment.json and OUT/N/index/ for each; a running server is no hindrance.",
    options: [dataOption],
    positionals: [
        Positional(name: "DATASOURCE", help: "Whose segments"),
        Positional(name: "OUT", help: "A folder that is made, or is empty"),
    ],
    examples: ["lamina segment export --data segments wikipedia /tmp/wikipedia"],
    body: { arguments in
        let node = try NodeView.open(arguments.string("data") ?? Node.defaultDirectory)
        let name = arguments.positionals[0]
        let segments = node.segments.visibleSegments(dataSource: name, in: .eternity)
        guard !segments.isEmpty else { throw LaminaError.notThere("There is no datasource '\(name)'") }
        try makeFolders(arguments.positionals[1])
        guard try folderEntries(arguments.positionals[1]).isEmpty else {
            throw LaminaError.invalidInput("\(arguments.positionals[1]) is not empty")
        }
        let out = try DataDirectory(arguments.positionals[1], creating: false).root
        for (index, segment) in segments.sorted(by: { $0.id < $1.id }).enumerated() {
            var described = segment
            let folder = "\(out)/\(index)"
            try makeFolders(folder)
            if let path = node.directory.path(of: segment) {
                try makeFolders("\(folder)/index")
                try copySegment(path, to: "\(folder)/index")
                described.loadSpec = ["type": "local", "path": .string("\(folder)/index/")]
            }
            try writeFile("\(folder)/segment.json", Array(described.json.text.utf8))
            say("\(folder)  \(segment.id)\n")
        }
        return 0
    }
)

let segmentRewriteCommand = Command(
    name: "rewrite",
    summary: "Decode a segment and write it again with the same index spec",
    positionals: [segmentRewriteIn, Positional(name: "OUT", help: "The folder to write, which is made")],
    examples: ["lamina segment rewrite druid/index rewritten"],
    body: { arguments in
        let segment = try Segment.open(path: arguments.positionals[0])
        let written = try SegmentRewriter.rewrite(segment, to: arguments.positionals[1])
        say("\(counted(Int64(written.rowCount), "row")), \(counted(written.sizeBytes, "byte"))\n")
        return 0
    }
)

private let segmentRewriteIn = Positional(name: "IN", help: "An index folder, its parent, or an index.zip")

/// The flat files of a segment: of the folder itself, of its `index/`, or out of its `index.zip`; every file synced.
private func copySegment(_ source: String, to target: String) throws(LaminaError) {
    if let zip = ["\(source)/index.zip", source].first(where: { $0.hasSuffix(".zip") && fileExists($0) }) {
        return try unzip(zip, to: target)
    }
    let folder = fileExists("\(source)/index") ? "\(source)/index" : source
    for name in try folderEntries(folder) {
        guard let bytes = try readFile("\(folder)/\(name)") else { continue }
        try writeFile("\(target)/\(name)", bytes)
    }
}

private func unzip(_ path: String, to target: String) throws(LaminaError) {
    guard let bytes = try readFile(path) else { throw .io("read", path: path, errno: ENOENT) }
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 16)
    defer { copy.deallocate() }
    copy.copyBytes(from: bytes)
    let archive = try ZipArchive(UnsafeRawBufferPointer(copy))
    for entry in archive.entries {
        let room = UnsafeMutableRawBufferPointer.allocate(byteCount: entry.size, alignment: 16)
        defer { room.deallocate() }
        try archive.extract(entry, into: room)
        try writeFile("\(target)/\(entry.name)", Array(room))
    }
}
