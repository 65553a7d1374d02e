package import LaminaBase

/// Big-endian, in one of three forms: few values themselves, the bins in use, or all bins.
///
/// ```
/// compact: -size i16 · [-joined values i8 · values f32 · min · max] · exact values i8 · values f32
/// sparse:  size i32 · -bins i32 · places f32 · counts i64, the sign bit marking joined ones · min · max
/// dense:   size i32 · bins i32 · size places · size counts · min · max
/// ```
///
/// - Source: `ApproximateHistogram.toBytes`, `fromBytes`.
extension ApproximateHistogram {
    private var exactCount: Int64 {
        bins.indices.reduce(0) { $0 &+ (isExact($1) ? binCount($1) : 0) }
    }

    private var sparseSize: Int { 16 + 12 * bins.count }

    package var bytes: [UInt8] {
        let exact = exactCount
        let joined = count &- exact
        if size <= Int(Int16.max), bins.indices.allSatisfy({ binCount($0) <= 127 }), exact <= 127,
            (0...127).contains(joined)
        {
            let compactSize = joined == 0 ? 3 + 4 * exact : 12 + 4 * (exact + joined)
            if compactSize < sparseSize { return compactBytes(exact: exact, joined: joined) }
        }
        var bytes: [UInt8] = []
        bytes.append(big: Int32(size))
        bytes.append(big: -Int32(bins.count))
        for position in positions { bytes.append(big: position.bitPattern) }
        for bin in bins { bytes.append(big: bin) }
        bytes.append(big: minimum.bitPattern)
        bytes.append(big: maximum.bitPattern)
        return bytes
    }

    private func compactBytes(exact: Int64, joined: Int64) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(big: -Int16(size))
        if joined > 0 {
            bytes.append(big: -Int8(joined))
            appendValues(ofExactBins: false, to: &bytes)
            bytes.append(big: minimum.bitPattern)
            bytes.append(big: maximum.bitPattern)
        }
        bytes.append(big: Int8(exact))
        appendValues(ofExactBins: true, to: &bytes)
        return bytes
    }

    private func appendValues(ofExactBins exact: Bool, to bytes: inout [UInt8]) {
        for index in bins.indices where isExact(index) == exact {
            for _ in 0..<binCount(index) { bytes.append(big: positions[index].bitPattern) }
        }
    }

    /// Reads all forms. Errors: bytes that do not decode.
    package init(bytes: [UInt8]) throws(LaminaError) {
        var reader = ByteReader(bytes, "approximate histogram")
        var start = reader
        if try start.big(Int16.self) < 0 {
            try self.init(compact: &reader)
            return
        }
        try self.init(size: Int(try reader.big(Int32.self)))
        let declared = Int(try reader.big(Int32.self))
        let used = declared < 0 ? -declared : declared
        let stored = declared < 0 ? used : size
        guard used <= size, stored <= reader.remaining / 12 else { throw reader.corrupt("\(used) bins of \(size)") }
        for index in 0..<stored {
            let position = try reader.bigFloat()
            if index < used { positions.append(position) }
        }
        for index in 0..<stored {
            let bin = try reader.big(UInt64.self)
            guard index < used else { continue }
            bins.append(bin)
            let (sum, overflows) = count.addingReportingOverflow(binCount(index))
            guard !overflows else { throw reader.corrupt("more values than can be counted") }
            count = sum
        }
        minimum = try reader.bigFloat()
        maximum = try reader.bigFloat()
    }

    private init(compact reader: inout ByteReader) throws(LaminaError) {
        try self.init(size: -Int(try reader.big(Int16.self)))
        let first = Int(try reader.big(Int8.self))
        if first >= 0 {
            for _ in 0..<first { update(value: try reader.bigFloat()) }
            return
        }
        var found: [(position: Float, bin: UInt64)] = []
        try Self.readValues(&reader, -first, Self.approximate, into: &found)
        let limits = (try reader.bigFloat(), try reader.bigFloat())
        let exact = Int(try reader.big(Int8.self))
        guard exact >= 0 else { throw reader.corrupt("\(exact) values") }
        try Self.readValues(&reader, exact, 0, into: &found)
        guard found.count <= size else { throw reader.corrupt("\(found.count) bins of \(size)") }
        found.sort { $0.position < $1.position }
        positions = found.map(\.position)
        bins = found.map(\.bin)
        count = Int64(exact - first)
        (minimum, maximum) = limits
    }

    /// Values that repeat are one bin.
    private static func readValues(
        _ reader: inout ByteReader,
        _ count: Int,
        _ flag: UInt64,
        into found: inout [(position: Float, bin: UInt64)]
    ) throws(LaminaError) {
        let start = found.count
        for _ in 0..<count {
            let value = try reader.bigFloat()
            if found.count > start, found[found.count - 1].position == value {
                found[found.count - 1].bin += 1
            } else {
                found.append((value, 1 | flag))
            }
        }
    }
}
