import Foundation
import LaminaBase

/// The Python package `datasketches` behind `Tests/sketches.py`: other people's writer and reader of the same bytes.
enum DataSketchesPackage {
    private static let root = String(#filePath.split(separator: "/").dropLast(3).reduce(into: "") { $0 += "/" + $1 })
    private static var python: String { root + "/.build/venv/bin/python3" }

    /// `make deps` installs it where a network is; without it these tests are skipped.
    static let isInstalled: Bool = {
        guard FileManager.default.isExecutableFile(atPath: python) else { return false }
        return (try? run(["-c", "import datasketches"], input: "")) != nil
    }()

    /// What the package wrote of a kind: one JSON object a sketch.
    static func written(_ kind: String) throws -> [JSON] {
        try lines(try run([root + "/Tests/sketches.py", "write", kind], input: ""))
    }

    /// What the package reads from sketches, in their order.
    static func read(_ kind: String, _ sketches: [[UInt8]]) throws -> [JSON] {
        let input = sketches.map { #"{"kind": "\#(kind)", "bytes": "\#(base64Encoded($0))"}"# + "\n" }.joined()
        return try lines(try run([root + "/Tests/sketches.py", "read"], input: input))
    }

    private static func lines(_ text: String) throws -> [JSON] {
        try text.split(separator: "\n").map { try JSONParser.parse(String($0)) }
    }

    private struct Failed: Error {
        var status: Int32
    }

    private static func run(_ arguments: [String], input: String) throws -> String {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("lamina-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        // Files rather than pipes: neither side can wait for the other.
        let (from, to) = (folder.appendingPathComponent("in"), folder.appendingPathComponent("out"))
        try input.write(to: from, atomically: false, encoding: .utf8)
        try Data().write(to: to)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: python)
        process.arguments = arguments
        process.standardInput = try FileHandle(forReadingFrom: from)
        process.standardOutput = try FileHandle(forWritingTo: to)
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw Failed(status: process.terminationStatus) }
        return String(decoding: try Data(contentsOf: to), as: UTF8.self)
    }
}

extension JSON {
    var numbers: [Double] { arrayValue?.compactMap(\.doubleValue) ?? [] }
    var sketchBytes: [UInt8] { self["bytes"]?.stringValue.flatMap(base64Decoded) ?? [] }
    func int(_ key: String) -> Int { Int(self[key]?.intValue ?? 0) }
}

/// Equal up to the last bits of a logarithm.
func isClose(_ one: Double, _ two: Double) -> Bool { one == two || abs(one - two) <= 1e-12 * max(abs(one), abs(two)) }
