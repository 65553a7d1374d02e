import LaminaBase

/// A sorted string dictionary whose values share prefixes with their neighbours, buckets of a power of two.
///
/// Every entry is walked once at opening, so that later reads need no checks. Source: `segment.data.FrontCodedIndexed`.
final class FrontCodedStrings: Sendable {
    let frame: FrontCodedFrame
    /// The longest value, in bytes.
    let longest: Int

    init(_ cursor: inout ByteCursor, order: ByteOrder) throws(LaminaError) {
        frame = try FrontCodedFrame(&cursor, maxVersion: 1, order: order)
        var longest = 0
        for bucket in 0..<frame.bucketCount { longest = max(longest, try Self.check(bucket, frame)) }
        self.longest = longest
    }

    /// Walks a bucket; the length of its longest value.
    private static func check(_ bucket: Int, _ frame: FrontCodedFrame) throws(LaminaError) -> Int {
        let bytes = frame.buckets.buffer
        let range = frame.range(bucket)
        var position = range.lowerBound
        var first = 0
        var previous = 0
        var longest = 0
        for index in 0..<frame.length(bucket) {
            var prefix = 0
            if index > 0 {
                guard let read = VByte.read(bytes, at: position), read.value <= (frame.version == 0 ? first : previous)
                else { throw frame.buckets.corrupt("a front-coded prefix is too long", at: position) }
                prefix = read.value
                position = read.next
            }
            guard let read = VByte.read(bytes, at: position), read.value <= range.upperBound - read.next else {
                throw frame.buckets.corrupt("a front-coded value does not end in its bucket", at: position)
            }
            position = read.next + read.value
            previous = prefix + read.value
            if index == 0 { first = previous }
            longest = max(longest, previous)
        }
        guard position == range.upperBound else {
            throw frame.buckets.corrupt("a front-coded bucket has bytes left over", at: position)
        }
        return longest
    }

    /// Calls `body` with the bytes of stored value `index` (null not counted).
    func withValue<Result>(_ index: Int, _ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
        precondition(index >= 0 && index < frame.valueCount, "dictionary id out of range")
        return withUnsafeTemporaryAllocation(byteCount: longest + 1, alignment: 8) { buffer in
            let length = decode(index, into: buffer)
            return body(
                UnsafeBufferPointer(start: buffer.baseAddress?.assumingMemoryBound(to: UInt8.self), count: length)
            )
        }
    }

    private func decode(_ index: Int, into buffer: UnsafeMutableRawBufferPointer) -> Int {
        let bucket = index / frame.bucketSize
        let last = index % frame.bucketSize
        let bytes = frame.buckets.buffer
        guard let out = buffer.baseAddress, let base = bytes.baseAddress else { return 0 }
        var position = frame.range(bucket).lowerBound
        var length = 0
        for entry in 0...last {
            var prefix = 0
            if entry > 0 {
                guard let read = VByte.read(bytes, at: position) else { return 0 }
                prefix = read.value
                position = read.next
            }
            guard let read = VByte.read(bytes, at: position) else { return 0 }
            position = read.next + read.value
            // Version 0 repeats the bucket's first value, which must then stay intact in the buffer until the last step.
            if frame.version == 1 || entry == 0 || entry == last {
                (out + prefix).copyMemory(from: base + read.next, byteCount: read.value)
            }
            length = prefix + read.value
        }
        return length
    }
}
