import Glibc
import LaminaBase
import LaminaSegment
import Testing

/// Bytes that are cut off or changed: a named error, or values of the column's type; never a crash or a hang.
@Suite struct CorruptionTests {
    private static let isLong = getenv("LAMINA_LONG") != nil
    private static let samples = GoldSegment.samples.filter { $0.name != "events_rollup/0" }

    /// Reads everything there is to read of a segment; errors of single columns count as answers.
    private func readAll(_ files: [String: [UInt8]], columns: Set<String>? = nil) throws(LaminaError) {
        let segment = try Segment.open(files: files, place: "test", cache: BlockCache(byteLimit: 1 << 20))
        for name in segment.columnNames where columns?.contains(name) ?? true {
            // Every value, then every cross-check; what they find is of no interest here.
            if let column = try? segment.column(name) {
                let values = try? column.values(0..<segment.rowCount)
                #expect(values?.allSatisfy { Self.fits($0, column.type) } ?? true)
            }
            _ = SegmentVerification.problems(of: segment, column: name)
        }
    }

    /// Whether a value belongs to a column of the type.
    private static func fits(_ value: Value, _ type: ColumnType) -> Bool {
        switch (value, type) {
        case (.null, _), (.long, .long), (.float, .float), (.double, .double), (.string, .string): true
        case (.array(let items), .string): items.allSatisfy { fits($0, .string) }
        case (.json, .complex), (.complex, .complex): true
        // Mixed auto columns give each row as it came.
        case (.long, _), (.double, _), (.string, _), (.array, _): true
        default: false
        }
    }

    @Test(arguments: samples)
    func everyTruncationIsAnError(_ gold: GoldSegment) throws {
        let files = try gold.files()
        for (name, bytes) in files {
            for length in 0..<bytes.count {
                var cut = files
                cut[name] = Array(bytes.prefix(length))
                #expect(throws: LaminaError.self, "\(name) cut to \(length) bytes") {
                    _ = try Segment.open(files: cut, place: "test", cache: BlockCache(byteLimit: 0))
                }
            }
        }
    }

    @Test(arguments: samples)
    func everyMissingFileIsAnError(_ gold: GoldSegment) throws {
        let files = try gold.files()
        for name in files.keys where name != "factory.json" {
            var cut = files
            cut[name] = nil
            #expect(throws: LaminaError.self) {
                _ = try Segment.open(files: cut, place: "test", cache: BlockCache(byteLimit: 0))
            }
        }
    }

    /// Every byte set to three other values. The short run takes a share of the bytes, different ones in each sample.
    @Test(arguments: samples)
    func everyChangedByteIsSurvived(_ gold: GoldSegment) throws {
        try changeBytes(of: gold, step: Self.isLong ? 1 : 7)
    }

    /// The same with larger segments of other index specs, where the corpus is at hand: one byte of many.
    @Test(
        arguments: GoldSegment.corpus.filter {
            $0.name.hasPrefix("idx_") && $0.name.hasSuffix("/0") || others.contains($0.name)
        }
    )
    func changedBytesOfOtherIndexSpecsAreSurvived(_ gold: GoldSegment) throws {
        try changeBytes(of: gold, step: Self.isLong ? 13 : 997)
    }

    private static let others: Set<String> = [
        "events_rollup/1", "mv_handling/0", "events_auto/0", "names/0", "fmt_nullcols/0",
    ]

    func changeBytes(of gold: GoldSegment, step: Int) throws {
        let files = try gold.files()
        for (name, bytes) in files {
            let owners = name.hasSuffix(".smoosh") && name != "meta.smoosh" ? try Owners(files) : nil
            var changed = files
            changed[name] = nil
            for place in stride(from: 0, to: bytes.count, by: step) {
                for value in [bytes[place] ^ 0xFF, bytes[place] &+ 1, bytes[place] ^ 0x80] {
                    var copy = bytes
                    copy[place] = value
                    changed[name] = copy
                    try? readAll(changed, columns: owners?.columns(at: place))
                }
            }
        }
    }
}

/// Which columns a byte of a chunk can change: those whose internal file it lies in; nil for those of all.
private struct Owners {
    private var ranges: [(range: Range<Int>, name: String)] = []
    private let names: [String]

    init(_ files: [String: [UInt8]]) throws {
        let segment = try Segment.open(files: files, place: "test", cache: BlockCache(byteLimit: 0))
        names = segment.columnNames
        let meta = String(decoding: files["meta.smoosh"] ?? [], as: UTF8.self)
        for line in meta.split(separator: "\n").dropFirst() {
            let fields = line.split(separator: ",")
            if let start = Int(fields[2]), let end = Int(fields[3]) { ranges.append((start..<end, String(fields[0]))) }
        }
    }

    func columns(at place: Int) -> Set<String>? {
        guard let file = ranges.first(where: { $0.range.contains(place) })?.name else { return nil }
        if file == "__time" || file == "index.drd" { return nil }
        if file == "metadata.drd" { return ["__time"] }
        let owners = names.filter { file == $0 || file.hasPrefix($0 + ".") }
        return owners.isEmpty ? nil : Set(owners)
    }
}
