import LaminaBase
import LaminaCompression
import LaminaIngest
import Testing

/// Texts, formats and the rows and messages that Druid 33's own readers made of them (`InputFormat.createReader(…).read()`): line ends,
/// quotes, numbers, escapes, relaxed features, JSON paths, jq, and hundreds of random shreds.
@Suite struct DruidReadersTests {
    private struct Sample {
        var format: JSON
        var data: [UInt8]
        var rows: [JSON]
    }

    private static func samples() throws -> [Sample] {
        let folder = #filePath.split(separator: "/").dropLast(2).reduce(into: "") { $0 += "/" + $1 }
        let file = try FileByteSource(path: folder + "/Samples/formats/druid-33-readers.jsonl.gz")
        let text = try decompressing(file, name: "x.gz").readAll(limit: 1 << 26)
        return try text.split(separator: 0x0A).map { line in
            let sample = try JSONParser.parse(Array(line))
            return Sample(
                format: try #require(sample["format"]),
                data: try #require(sample["data"]?.stringValue.flatMap { base64Decoded($0) }),
                rows: try #require(sample["rows"]?.arrayValue)
            )
        }
    }

    @Test func rowsAndMessagesAreDruids() throws {
        let samples = try Self.samples()
        #expect(samples.count > 900)
        for sample in samples {
            let read = try ours(sample)
            #expect(read == expected(sample), "\(sample.format) \(String(decoding: sample.data, as: UTF8.self))")
        }
    }

    /// Druid's rows without nulls; where the spec was refused or broke the reader, `FAIL`.
    private func expected(_ sample: Sample) -> [JSON] {
        sample.rows.map { row in
            if case .object(let object) = row { return withoutNulls(object) }
            if let text = row.stringValue, text.hasPrefix("FAIL") { return "FAIL" }
            return row
        }
    }

    private func withoutNulls(_ object: JSONObject) -> JSON {
        var kept = JSONObject()
        for (key, value) in object.entries where !value.isNull { kept[key] = value }
        return .object(kept)
    }

    private func ours(_ sample: Sample) throws -> [JSON] {
        do throws(LaminaError) {
            let read: ReadRows
            if sample.data.isEmpty {
                read = try ReadRows("", sample.format)
            } else {
                let path = try path(sample.data)
                read = try ReadRows(source: ["type": "local", "files": [.string(path)]], format: sample.format)
            }
            return rows(read, isFlattened: sample.format["flattenSpec"] != nil)
        } catch {
            return ["FAIL"]
        }
    }

    private func path(_ data: [UInt8]) throws(LaminaError) -> String {
        guard let path = try? temporaryFile(data) else { throw .invalidInput("no temporary file") }
        return path
    }

    /// Rows and messages in their order. Druid's reader had no path, and hides fields that nobody asked for when it flattens.
    private func rows(_ read: ReadRows, isFlattened: Bool) -> [JSON] {
        var result: [JSON] = []
        var bad = read.bad[...]
        for index in 0...read.rows.count {
            while let record = bad.first, record.beforeRow <= index {
                result.append(.string("BAD " + withoutPath(record.message)))
                bad.removeFirst()
            }
            guard index < read.rows.count, case .object(let object) = read.rows[index] else { continue }
            let shown =
                isFlattened ? JSONObject(object.entries.filter { $0.key == "out" }.map { ($0.key, $0.value) }) : object
            result.append(withoutNulls(shown).infinityAsText)
        }
        return result
    }

    private func withoutPath(_ message: String) -> String {
        guard let start = message.range(of: "(Path: file:"), let end = message[start.upperBound...].range(of: ", ")
        else {
            return message
        }
        return message[..<start.lowerBound] + "(" + message[end.upperBound...]
    }
}

extension JSON {
    /// As Jackson prints numbers that JSON cannot.
    fileprivate var infinityAsText: JSON {
        switch self {
        case .double(let number) where number.isNaN: "NaN"
        case .double(let number) where number.isInfinite: number < 0 ? "-Infinity" : "Infinity"
        case .array(let items): .array(items.map(\.infinityAsText))
        case .object(let object): .object(JSONObject(object.entries.map { ($0.key, $0.value.infinityAsText) }))
        default: self
        }
    }
}

extension StringProtocol {
    fileprivate func range(of text: String) -> Range<Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
            start = index(after: start)
        }
        return nil
    }
}
