package import LaminaBase

/// Big-endian: version 1 · form (1 all buckets, 2 those in use) · limits f64 · buckets i32 · mode u8 · count · lower, upper
/// outliers · missing i64 · max · min f64 · counts i64, or their number i32 and pairs of bucket i32 and count i64.
///
/// - Source: `FixedBucketsHistogram.toBytes`, `fromByteBuffer`.
extension FixedBucketsHistogram {
    package var bytes: [UInt8] {
        let used = buckets.count { $0 != 0 }
        let isSparse = used < buckets.count / 2
        var bytes: [UInt8] = [1, isSparse ? 2 : 1]
        bytes.append(big: lowerLimit.bitPattern)
        bytes.append(big: upperLimit.bitPattern)
        bytes.append(big: Int32(buckets.count))
        bytes.append(UInt8(OutlierMode.allCases.firstIndex(of: mode) ?? 0))
        for number in [count, lowerOutliers, upperOutliers, missing] { bytes.append(big: number) }
        bytes.append(big: maximum.bitPattern)
        bytes.append(big: minimum.bitPattern)
        if isSparse { bytes.append(big: Int32(used)) }
        for (index, bucket) in buckets.enumerated() where !isSparse || bucket != 0 {
            if isSparse { bytes.append(big: Int32(index)) }
            bytes.append(big: bucket)
        }
        return bytes
    }

    package init(bytes: [UInt8]) throws(LaminaError) {
        var reader = ByteReader(bytes, "fixed buckets histogram")
        guard try reader.big(UInt8.self) == 1 else { throw reader.corrupt("an unknown version") }
        let form = try reader.big(UInt8.self)
        guard form == 1 || form == 2 else { throw reader.corrupt("form \(form)") }
        let (lower, upper) = (try reader.bigDouble(), try reader.bigDouble())
        let size = Int(try reader.big(Int32.self))
        let mode = Int(try reader.big(UInt8.self))
        guard mode < OutlierMode.allCases.count else { throw reader.corrupt("outlier mode \(mode)") }
        guard form == 2 || size <= reader.remaining / 8 else { throw reader.corrupt("\(size) buckets") }
        try self.init(lowerLimit: lower, upperLimit: upper, buckets: size, mode: OutlierMode.allCases[mode])
        count = try reader.big(Int64.self)
        lowerOutliers = try reader.big(Int64.self)
        upperOutliers = try reader.big(Int64.self)
        missing = try reader.big(Int64.self)
        maximum = try reader.bigDouble()
        minimum = try reader.bigDouble()
        let stored = form == 1 ? size : Int(try reader.big(Int32.self))
        guard stored >= 0, stored <= reader.remaining / (form == 1 ? 8 : 12) else {
            throw reader.corrupt("\(stored) counts")
        }
        for place in 0..<stored {
            let index = form == 1 ? place : Int(try reader.big(Int32.self))
            guard buckets.indices.contains(index) else { throw reader.corrupt("bucket \(index) of \(size)") }
            buckets[index] = try reader.big(Int64.self)
        }
    }
}
