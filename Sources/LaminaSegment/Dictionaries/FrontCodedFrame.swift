import LaminaBase

/// The frame that front-coded strings and int arrays share: buckets of entries that repeat prefixes.
///
/// Sendable: read-only memory. Source: `segment.data.FrontCodedIndexed`, `FrontCodedIntArrayIndexed`.
struct FrontCodedFrame: @unchecked Sendable {
    let version: UInt8
    let bucketSize: Int
    let hasNull: Bool
    /// Stored values, null not counted.
    let valueCount: Int
    private let offsets: MappedBytes
    let buckets: MappedBytes
    private let order: ByteOrder
    let byteCount: Int

    var count: Int { valueCount + (hasNull ? 1 : 0) }
    var bucketCount: Int { (valueCount + bucketSize - 1) / bucketSize }

    init(_ cursor: inout ByteCursor, maxVersion: UInt8, order: ByteOrder) throws(LaminaError) {
        let before = cursor.position
        version = try cursor.u8()
        guard version <= maxVersion else { throw cursor.corrupt("unknown front-coded version \(version)") }
        bucketSize = Int(try cursor.u8())
        guard bucketSize > 0, bucketSize & (bucketSize - 1) == 0 else {
            throw cursor.corrupt("a front-coded bucket size of \(bucketSize)")
        }
        let null = try cursor.u8()
        guard null <= 1 else { throw cursor.corrupt("a front-coded null flag of \(null)") }
        hasNull = null == 1
        valueCount = try cursor.vbyte()
        let size = try cursor.vbyte()
        let body = try cursor.take(size)
        let bucketCount = (valueCount + bucketSize - 1) / bucketSize
        let offsetBytes = 4 * max(0, bucketCount - 1)
        guard offsetBytes <= size else {
            throw body.corrupt("\(bucketCount) front-coded buckets cannot lie in \(size) bytes")
        }
        offsets = try body.slice(0, offsetBytes)
        buckets = try body.slice(offsetBytes, size - offsetBytes)
        self.order = order
        byteCount = cursor.position - before
        var start = 0
        for bucket in 0..<bucketCount {
            let end = bucketEnd(bucket)
            guard end > start, end <= buckets.count else {
                throw offsets.corrupt("front-coded bucket \(bucket) ends at \(end) of \(buckets.count)", at: 4 * bucket)
            }
            start = end
        }
        guard start == buckets.count else {
            throw buckets.corrupt("front-coded buckets end at \(start) of \(buckets.count) bytes")
        }
    }

    private func bucketEnd(_ bucket: Int) -> Int {
        4 * bucket < offsets.count ? load32(offsets.base, 4 * bucket, order) : buckets.count
    }

    /// The bytes of a bucket within `buckets`. Precondition: `bucket < bucketCount`.
    func range(_ bucket: Int) -> Range<Int> { (bucket == 0 ? 0 : bucketEnd(bucket - 1))..<bucketEnd(bucket) }

    /// How many values the bucket holds.
    func length(_ bucket: Int) -> Int { min(bucketSize, valueCount - bucket * bucketSize) }
}
