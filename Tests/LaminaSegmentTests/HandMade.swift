import LaminaBase
import LaminaSegment

/// Bytes written as the format's description has them.
func hex(_ text: String) -> [UInt8] {
    let digits = text.filter { !$0.isWhitespace && $0 != "|" }.compactMap(\.hexDigitValue)
    return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
}

func big32(_ value: Int) -> [UInt8] { withUnsafeBytes(of: Int32(value).bigEndian) { Array($0) } }
func little32(_ value: Int) -> [UInt8] { withUnsafeBytes(of: Int32(value).littleEndian) { Array($0) } }
func big64(_ value: Int64) -> [UInt8] { withUnsafeBytes(of: value.bigEndian) { Array($0) } }
func little64(_ value: Int64) -> [UInt8] { withUnsafeBytes(of: value.littleEndian) { Array($0) } }
func text(_ value: String) -> [UInt8] { big32(value.utf8.count) + Array(value.utf8) }

/// A GenericIndexed of version 1.
func list(_ elements: [[UInt8]?], ascending: Bool = false) -> [UInt8] {
    var ends: [UInt8] = []
    var values: [UInt8] = []
    for element in elements {
        values += element == nil ? big32(-1) : big32(0)
        values += element ?? []
        ends += big32(values.count)
    }
    return [1, ascending ? 1 : 0] + big32(4 + ends.count + values.count) + big32(elements.count) + ends + values
}

/// A segment put together byte by byte; dimension `d` or whatever a test adds to a time column.
struct HandMade {
    var rowCount: Int
    var dimensions: [String] = []
    var metrics: [String] = []
    /// Internal files but `__time` and `index.drd`.
    var internals: [(name: String, bytes: [UInt8])] = []

    static let interval = Interval(start: 0, end: 1000)

    static func part(
        _ type: String,
        _ rest: String = #""byteOrder":"LITTLE_ENDIAN","bitmapSerdeFactory":{"type":"roaring"}"#
    ) -> String {
        #"{"type":"\#(type)",\#(rest)}"#
    }

    static func column(_ valueType: String, _ part: String, _ body: [UInt8]) -> [UInt8] {
        text(#"{"valueType":"\#(valueType)","hasMultipleValues":false,"parts":[\#(part)]}"#) + body
    }

    mutating func addMetric(_ name: String, _ valueType: String, _ part: String, _ body: [UInt8]) {
        metrics.append(name)
        internals.append((name, Self.column(valueType, part, body)))
    }

    mutating func addDimension(_ name: String, _ body: [UInt8]) {
        dimensions.append(name)
        internals.append((name, Self.column("STRING", Self.part("stringDictionary"), body)))
    }

    func files() -> [String: [UInt8]] {
        let times = (0..<rowCount).flatMap { little64(Int64($0)) }
        let payload = hex("02") + big32(rowCount) + big32(0) + hex("fe") + times
        var all = [("__time", Self.column("LONG", Self.part("longV2"), big32(payload.count) + payload))] + internals
        let names = (metrics + dimensions).map { Array($0.utf8) }
        all.append(
            (
                "index.drd",
                list(names) + list(dimensions.map { Array($0.utf8) }) + big64(Self.interval.start)
                    + big64(Self.interval.end)
                    + text(#"{"type":"roaring"}"#)
            )
        )
        return Self.smoosh(all)
    }

    /// The files of a segment with these internal files.
    static func smoosh(_ internals: [(name: String, bytes: [UInt8])]) -> [String: [UInt8]] {
        var chunk: [UInt8] = []
        var lines: [(String, Int, Int)] = []
        for file in internals {
            lines.append((file.name, chunk.count, chunk.count + file.bytes.count))
            chunk += file.bytes
        }
        let meta = "v1,2147483647,1\n" + lines.map { "\($0.0),0,\($0.1),\($0.2)\n" }.joined()
        return [
            "version.bin": big32(9), "factory.json": Array(#"{"type":"mMapSegmentFactory"}"#.utf8),
            "meta.smoosh": Array(meta.utf8), "00000.smoosh": chunk,
        ]
    }

    func open() throws -> Segment {
        try Segment.open(files: files(), place: "hand-made", cache: BlockCache(byteLimit: 1 << 20))
    }
}

/// All values of a column.
func values(_ segment: Segment, _ name: String) throws -> [Value]? {
    try segment.column(name)?.values(0..<segment.rowCount)
}
