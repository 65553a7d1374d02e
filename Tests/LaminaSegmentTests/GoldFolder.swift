import Glibc
import LaminaBase
import LaminaCompression
import LaminaTestSupport
import Testing

/// Segments that a real Druid wrote, with the truth of every row: copies among this folder's samples, and the whole gold corpus
/// when it lies beside the package.
struct GoldSegment: CustomTestStringConvertible, Sendable {
    let name: String
    let path: String

    var testDescription: String { name }

    /// A few small segments of different index specs, part of the package.
    static let samples = find(in: testsFolder + "/Samples/segments")
    /// All of the corpus; empty when it is not there.
    static let corpus = find(in: goldFolder + "/segments")

    private static func find(in folder: String) -> [GoldSegment] {
        var found: [GoldSegment] = []
        for source in visibleNames(in: folder) {
            for number in visibleNames(in: folder + "/" + source) {
                let path = folder + "/" + source + "/" + number
                if access(path + "/index", F_OK) == 0, access(path + "/rows.json.gz", F_OK) == 0 {
                    found.append(GoldSegment(name: source + "/" + number, path: path))
                }
            }
        }
        return found.sorted { $0.name < $1.name }
    }

    /// The files of the segment by name.
    func files() throws -> [String: [UInt8]] {
        var files: [String: [UInt8]] = [:]
        for name in visibleNames(in: path + "/index") { files[name] = try fileBytes(path + "/index/" + name) }
        return files
    }

    /// Column names and rows as Druid gave them.
    func truth() throws -> (columns: [String], rows: [[JSON]]) {
        let json = try JSONParser.parse(try gunzip(try fileBytes(path + "/rows.json.gz"), limit: 1 << 30))
        let columns = (json["columns"]?.arrayValue ?? []).compactMap(\.stringValue)
        let rows = (json["rows"]?.arrayValue ?? []).map { $0.arrayValue ?? [] }
        return (columns, rows)
    }
}
