import Glibc
import LaminaBase

/// The `local` input source: a folder with a wildcard over file names (all its folders below too), a list of files, or both.
struct LocalFiles: Sendable {
    private let baseDirectory: String?
    private let filter: String
    private let files: [String]

    init(_ fields: SpecFields) throws(LaminaError) {
        baseDirectory = try fields.string("baseDir")
        files = try fields.strings("files")
        let filter = try fields.string("filter")
        if baseDirectory != nil, filter == nil { throw fields.missing("filter") }
        if baseDirectory == nil, files.isEmpty {
            throw fields.error("", "needs at least one of baseDir and files")
        }
        self.filter = filter ?? "*"
        try fields.refuseSystemFields()
    }

    /// The files there are, by path. Missing and empty ones are passed over, as Druid does; a folder that is not there has none.
    func entities(root: String?) throws(LaminaError) -> [InputEntity] {
        let allowed = try root.map { (path: String) throws(LaminaError) in try Self.realPath(path) }
        var entities: [InputEntity] = []
        if let baseDirectory {
            var found: [String] = []
            Self.collect(baseDirectory, matching: Array(filter.utf8), depth: 0, into: &found)
            for path in found.sorted() { try Self.add(path, root: allowed, to: &entities) }
        }
        for path in files { try Self.add(path, root: allowed, to: &entities) }
        return entities
    }

    private static func add(_ path: String, root: String?, to entities: inout [InputEntity]) throws(LaminaError) {
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size > 0 else { return }
        let real = try realPath(path)
        if let root, !(real.hasPrefix(root.hasSuffix("/") ? root : root + "/")) {
            throw LaminaError(.forbidden, code: "forbidden", "The file \(path) lies outside of --input-root \(root)")
        }
        let absolute = path.hasPrefix("/") ? path : real
        entities.append(
            InputEntity(uri: "file:\(absolute)", name: path, size: Int64(status.st_size), origin: .file(real))
        )
    }

    private static func realPath(_ path: String) throws(LaminaError) -> String {
        guard let resolved = realpath(path, nil) else { throw .io("resolve", path: path, errno: errno) }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    private static func collect(_ directory: String, matching filter: [UInt8], depth: Int, into found: inout [String]) {
        // Folders linked into themselves end here.
        guard depth < 64, let handle = opendir(directory) else { return }
        defer { closedir(handle) }
        while let entry = readdir(handle) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) { String(cString: $0) }
            }
            if name == "." || name == ".." { continue }
            let path = directory.hasSuffix("/") ? directory + name : "\(directory)/\(name)"
            var status = stat()
            guard stat(path, &status) == 0 else { continue }
            if status.st_mode & S_IFMT == S_IFDIR {
                collect(path, matching: filter, depth: depth + 1, into: &found)
            } else if matchesWildcard(Array(name.utf8), filter) {
                found.append(path)
            }
        }
    }
}

/// Whether a name matches a pattern of `*` (anything) and `?` (one character).
func matchesWildcard(_ name: [UInt8], _ pattern: [UInt8]) -> Bool {
    var place = 0
    var wanted = 0
    var star = -1
    var resume = 0
    while place < name.count {
        if wanted < pattern.count, pattern[wanted] == UInt8(ascii: "*") {
            star = wanted
            resume = place
            wanted += 1
        } else if wanted < pattern.count, pattern[wanted] == UInt8(ascii: "?") {
            wanted += 1
            place += 1
            // One character, not one byte.
            while place < name.count, name[place] & 0xC0 == 0x80 { place += 1 }
        } else if wanted < pattern.count, pattern[wanted] == name[place] {
            wanted += 1
            place += 1
        } else if star >= 0 {
            wanted = star + 1
            resume += 1
            place = resume
        } else {
            return false
        }
    }
    while wanted < pattern.count, pattern[wanted] == UInt8(ascii: "*") { wanted += 1 }
    return wanted == pattern.count
}
