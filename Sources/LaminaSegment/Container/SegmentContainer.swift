import Glibc
import LaminaBase

/// The internal files of a V9 segment: named ranges of mapped chunks.
///
/// Source: `java.util.common.io.smoosh.SmooshedFileMapper`.
final class SegmentContainer: Sendable {
    /// Where the segment was read from, for errors.
    let place: String
    /// Sum of the sizes of the segment's files.
    let byteCount: Int
    let fileNames: [String]
    private let files: [String: MappedBytes]

    /// - Parameter source: gives the bytes of `version.bin`, `factory.json`, `meta.smoosh` and the chunks; nil when missing.
    init(place: String, _ source: (String) throws(LaminaError) -> Memory?) throws(LaminaError) {
        self.place = place
        func need(_ name: String) throws(LaminaError) -> MappedBytes {
            guard let memory = try source(name) else { throw .corrupt("there is no file '\(name)'", at: place) }
            return MappedBytes(memory, file: name)
        }
        var total = 0
        let version = try need("version.bin")
        try Self.check(version: version)
        total += version.count
        if let factory = try source("factory.json") {
            try Self.check(factory: MappedBytes(factory, file: "factory.json"))
            total += factory.count
        }
        let meta = try need("meta.smoosh")
        total += meta.count
        let (chunkCount, entries) = try Self.parse(meta)
        var chunks: [MappedBytes] = []
        for index in 0..<chunkCount {
            let digits = String(index)
            let chunk = try need(String(repeating: "0", count: max(0, 5 - digits.count)) + digits + ".smoosh")
            total += chunk.count
            chunks.append(chunk)
        }
        var files: [String: MappedBytes] = [:]
        var covered = Array(repeating: 0, count: chunks.count)
        for entry in entries {
            guard entry.chunk < chunks.count, entry.start <= entry.end, entry.end <= chunks[entry.chunk].count else {
                throw meta.corrupt(
                    "internal file '\(entry.name)' spans bytes \(entry.start) to \(entry.end) of chunk \(entry.chunk), which has "
                        + "\(entry.chunk < chunks.count ? chunks[entry.chunk].count : 0)"
                )
            }
            let chunk = chunks[entry.chunk]
            covered[entry.chunk] += entry.end - entry.start
            files[entry.name] = MappedBytes(
                memory: chunk.memory,
                base: chunk.base + entry.start,
                count: entry.end - entry.start,
                file: entry.name
            )
        }
        guard files.count == entries.count else { throw meta.corrupt("an internal file is listed twice") }
        // Files stand back to back, so that a lost or changed line of the list shows.
        for (index, chunk) in chunks.enumerated() where covered[index] != chunk.count {
            throw meta.corrupt("internal files cover \(covered[index]) of the \(chunk.count) bytes of chunk \(index)")
        }
        self.files = files
        fileNames = entries.map(\.name)
        byteCount = total
    }

    func file(_ name: String) -> MappedBytes? { files[name] }

    private static func check(version: MappedBytes) throws(LaminaError) {
        guard version.count >= 4 else { throw version.corrupt("version.bin has \(version.count) bytes instead of 4") }
        let number = loadBig32(version.base)
        guard number == 9 else { throw .unsupported("segment format version \(number) (\(version.file))") }
    }

    private static func check(factory: MappedBytes) throws(LaminaError) {
        let json: JSON
        do throws(LaminaError) { json = try JSONParser.parse(factory.array) } catch {
            throw factory.corrupt(error.message)
        }
        guard let type = json["type"]?.stringValue else { throw factory.corrupt("the segment factory has no type") }
        guard type == "mMapSegmentFactory" || type == "broadcastJoinableMMapSegmentFactory" else {
            throw .unsupported("segment factory \"\(type)\"")
        }
    }

    private struct Entry {
        var name: String
        var chunk: Int
        var start: Int
        var end: Int
    }

    /// The lines of meta.smoosh: `v1,<max>,<chunks>`, then `name,chunk,start,end`, every line ended by a line break.
    private static func parse(_ meta: MappedBytes) throws(LaminaError) -> (chunks: Int, entries: [Entry]) {
        guard meta.count > 0, meta.buffer[meta.count - 1] == UInt8(ascii: "\n") else {
            throw meta.corrupt("meta.smoosh does not end with a line break", at: meta.count)
        }
        var entries: [Entry] = []
        var chunks: Int?
        var position = 0
        for line in meta.buffer.dropLast().split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            let fields = line.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
            let texts = fields.map { String(decoding: $0, as: UTF8.self) }
            if chunks == nil {
                guard texts.count == 3, texts[0] == "v1", let count = number(texts[2]), count > 0 else {
                    throw meta.corrupt("meta.smoosh does not begin with 'v1,<size>,<chunks>'")
                }
                chunks = count
            } else {
                guard texts.count == 4, let chunk = number(texts[1]), let start = number(texts[2]),
                    let end = number(texts[3])
                else { throw meta.corrupt("a line of meta.smoosh is not 'name,chunk,start,end'", at: position) }
                entries.append(Entry(name: texts[0], chunk: chunk, start: start, end: end))
            }
            position += line.count + 1
        }
        return (chunks ?? 0, entries)
    }

    private static func number(_ text: String) -> Int? {
        guard let value = Int32(text), value >= 0 else { return nil }
        return Int(value)
    }
}
