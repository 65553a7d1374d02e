import LaminaBase
import LaminaCompression

/// A long run of bytes in compressed blocks of 64 KiB, read at any place.
///
/// Source: `CompressedBlockReader`, `CompressedBlockSerializer`; the cell store has the same idea with other headers.
struct BlockStream: Sendable {
    let store: BlockStore
    let codec: BlockCodec
    static let blockShift = 16

    /// Reads to the end of the bytes. The last block's length is known only when it is decoded, so the stream's length is an
    /// argument.
    init(_ bytes: MappedBytes, byteCount: Int?, order: ByteOrder, reader: ColumnReading) throws(LaminaError) {
        var cursor = ByteCursor(bytes)
        let version = try cursor.u8()
        guard version == 1 else { throw cursor.corrupt("unknown block stream version \(version)") }
        let id = try cursor.u8()
        codec = try cursor.codec(id, allowsNone: false)
        let blockSize = try cursor.count("a block size")
        guard blockSize == 1 << Self.blockShift else { throw cursor.corrupt("a block size of \(blockSize)") }
        let blocks = try cursor.count("a block count")
        guard blocks <= cursor.remaining / 4 else {
            throw cursor.corrupt("\(blocks) blocks in \(cursor.remaining) bytes")
        }
        let ends = try cursor.take(4 * blocks)
        let body = try cursor.rest()
        let list = try ByteRuns(ends: ends, order: order, body: body)
        store = try Self.makeStore(list, codec, byteCount: byteCount, reader)
    }

    /// One of the two streams of a cell store: `i32le` size of the block index, the index (starts and one end), `i32le` size
    /// of the blocks, the blocks (always LZ4).
    init(cells cursor: inout ByteCursor, byteCount: Int?, reader: ColumnReading) throws(LaminaError) {
        var inner = ByteCursor(try cursor.take(try cursor.count("a stream's size", .little)))
        let index = try inner.take(try inner.count("a block index's size", .little))
        let body = try inner.take(try inner.count("the size of blocks", .little))
        guard inner.remaining == 0, index.count % 4 == 0, index.count >= 4, loadLittle32(index.base) == 0 else {
            throw inner.corrupt("a cell stream's parts do not fill it")
        }
        codec = .lz4
        let list = try ByteRuns(ends: try index.slice(4, index.count - 4), order: .little, body: body)
        store = try Self.makeStore(list, codec, byteCount: byteCount, reader)
    }

    private static func makeStore(
        _ runs: ByteRuns,
        _ codec: BlockCodec,
        byteCount: Int?,
        _ reader: ColumnReading
    ) throws(LaminaError) -> BlockStore {
        let count = if let byteCount { byteCount } else { try runs.byteCount(codec, blockShift: blockShift) }
        // Writers may close a stream with an empty block.
        let full = (count + (1 << blockShift) - 1) >> blockShift
        guard runs.count == full || runs.count == full + 1 else {
            throw runs.body.corrupt("\(count) bytes in \(runs.count) blocks")
        }
        return BlockStore(count: count, shift: blockShift, width: 1, form: .stream(runs, codec), cache: reader.cache)
    }

    var byteCount: Int { store.count }

    /// The bytes of a range; an error when it is not inside.
    func read(_ range: Range<Int>) throws(LaminaError) -> [UInt8] {
        guard range.lowerBound >= 0, range.upperBound <= store.count else {
            throw .corrupt("bytes \(range) of \(store.count)", at: store.place)
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(range.count)
        var position = range.lowerBound
        while position < range.upperBound {
            let index = position >> Self.blockShift
            let rows = store.rows(index)
            let block = try store.block(index)
            let end = min(range.upperBound, rows.upperBound)
            bytes.append(
                contentsOf: UnsafeRawBufferPointer(
                    start: block.base + (position - rows.lowerBound),
                    count: end - position
                )
            )
            withExtendedLifetime(block) {}
            position = end
        }
        return bytes
    }

    func long(_ offset: Int) throws(LaminaError) -> Int64 {
        let index = offset >> Self.blockShift
        guard offset >= 0, offset & 7 == 0, offset + 8 <= store.count else {
            throw .corrupt("byte \(offset) of \(store.count)", at: store.place)
        }
        let block = try store.block(index)
        return withExtendedLifetime(block) {
            load64(block.base, offset - store.rows(index).lowerBound, .little)
        }
    }
}

/// Byte strings one after another, with their cumulative ends kept elsewhere. Sendable: read-only memory, owned by its ranges.
struct ByteRuns: @unchecked Sendable {
    let count: Int
    let body: MappedBytes
    private let ends: MappedBytes
    private let order: ByteOrder

    /// Checks every end.
    init(ends: MappedBytes, order: ByteOrder, body: MappedBytes) throws(LaminaError) {
        self.ends = ends
        self.order = order
        self.body = body
        count = ends.count / 4
        var start = 0
        for index in 0..<count {
            let end = load32(ends.base, 4 * index, order)
            guard end >= start, end <= body.count else {
                throw ends.corrupt("block \(index) ends at \(end) of \(body.count)", at: 4 * index)
            }
            start = end
        }
        guard start == body.count else { throw body.corrupt("blocks end at \(start) of \(body.count) bytes") }
    }

    func element(_ index: Int) -> UnsafeRawBufferPointer {
        precondition(index >= 0 && index < count, "block index out of range")
        let start = index == 0 ? 0 : load32(ends.base, 4 * (index - 1), order)
        return UnsafeRawBufferPointer(start: body.base + start, count: load32(ends.base, 4 * index, order) - start)
    }

    /// The uncompressed length: all blocks but the last are full.
    func byteCount(_ codec: BlockCodec, blockShift: Int) throws(LaminaError) -> Int {
        guard count > 0 else { return 0 }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << blockShift, alignment: 64)
        defer { buffer.deallocate() }
        let last = element(count - 1)
        if last.isEmpty { return (count - 1) << blockShift }
        do throws(LaminaError) {
            return (count - 1) << blockShift + (try codec.decompress(last, into: buffer))
        } catch {
            throw body.corrupt("block \(count - 1) does not decompress (\(error.message))")
        }
    }
}
