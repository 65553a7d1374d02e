import Glibc
import LaminaBase
import LaminaCompression
import Testing

/// Segments that a real Druid wrote, with the truth of every row: copies among this folder's samples, and the whole gold corpus
/// when it lies beside the package.
struct GoldSegment: CustomTestStringConvertible, Sendable {
    let name: String
    let path: String

    var testDescription: String { name }

    private static let tests = String(#filePath.split(separator: "/").dropLast().reduce(into: "") { $0 += "/" + $1 })

    /// A few small segments of different index specs, part of the package.
    static let samples = find(in: tests + "/../Samples/segments")
    /// All of the corpus; empty when it is not there.
    static let corpus = find(in: tests + "/../../../shared/gold/segments")

    private static func find(in folder: String) -> [GoldSegment] {
        var found: [GoldSegment] = []
        for source in names(in: folder) {
            for number in names(in: folder + "/" + source) {
                let path = folder + "/" + source + "/" + number
                if access(path + "/index", F_OK) == 0, access(path + "/rows.json.gz", F_OK) == 0 {
                    found.append(GoldSegment(name: source + "/" + number, path: path))
                }
            }
        }
        return found.sorted { $0.name < $1.name }
    }

    private static func names(in folder: String) -> [String] {
        guard let stream = opendir(folder) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names.sorted()
    }

    static func read(_ path: String) throws -> [UInt8] {
        let descriptor = open(path, O_RDONLY)
        guard descriptor >= 0 else { throw LaminaError.io("open", path: path, errno: errno) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            guard count > 0 else { return bytes }
            bytes += buffer[..<count]
        }
    }

    /// The files of the segment by name.
    func files() throws -> [String: [UInt8]] {
        var files: [String: [UInt8]] = [:]
        for name in Self.names(in: path + "/index") { files[name] = try Self.read(path + "/index/" + name) }
        return files
    }

    /// Column names and rows as Druid gave them.
    func truth() throws -> (columns: [String], rows: [[JSON]]) {
        let json = try JSONParser.parse(try gunzip(try Self.read(path + "/rows.json.gz"), limit: 1 << 30))
        let columns = (json["columns"]?.arrayValue ?? []).compactMap(\.stringValue)
        let rows = (json["rows"]?.arrayValue ?? []).map { $0.arrayValue ?? [] }
        return (columns, rows)
    }
}
