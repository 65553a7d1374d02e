import LaminaBase
import LaminaCompression
import Synchronization

/// The values of a column part as decoded blocks of a power of two values each, fixed width.
///
/// Blocks are decoded when first asked for and kept in slots here, under the bound of the cache.
final class BlockStore: Sendable {
    /// How stored bytes become values.
    enum Form: Sendable {
        /// Compressed blocks of plain values, `storedWidth` bytes each.
        case blocks(GenericIndexed, BlockCodec, ByteOrder, storedWidth: Int)
        /// One run of plain values.
        case run(MappedBytes, ByteOrder, storedWidth: Int)
        /// Compressed blocks, or one run, of bit-packed longs.
        case packedBlocks(GenericIndexed, BlockCodec, LongPacking)
        case packedRun(MappedBytes, LongPacking)
        /// Compressed blocks of bytes.
        case stream(ByteRuns, BlockCodec)
    }

    /// Values in all blocks together.
    let count: Int
    /// log2 of the values in a block.
    let shift: Int
    /// Bytes of a decoded value: 1, 2, 4 or 8.
    let width: Int
    let form: Form
    /// Every (unsigned) value of a block must be below this; checked when a block is decoded.
    private let idLimit: Int?
    /// Numbers are not ids and have no limit.
    private let cache: BlockCache
    private let slots: Mutex<Slots>

    private struct Slots {
        var blocks: [Block?] = []
        var bytes = 0
    }

    init(count: Int, shift: Int, width: Int, form: Form, idLimit: Int? = nil, cache: BlockCache) {
        self.count = count
        self.shift = shift
        self.width = width
        self.form = form
        self.idLimit = idLimit
        self.cache = cache
        slots = Mutex(Slots())
    }

    deinit {
        let bytes = slots.withLock { $0.bytes }
        if bytes > 0 { cache.forget(bytes: bytes) }
    }

    var blockCount: Int { (count + (1 << shift) - 1) >> shift }

    /// The rows of a block.
    func rows(_ block: Int) -> Range<Int> { block << shift..<min(count, (block + 1) << shift) }

    /// A decoded block. Precondition: `index < blockCount`.
    func block(_ index: Int) throws(LaminaError) -> Block {
        if let block = slots.withLock({ index < $0.blocks.count ? $0.blocks[index] : nil }) {
            block.markUsed()
            cache.countHit()
            return block
        }
        cache.countMiss()
        let block = try decode(index)
        guard block.cost <= cache.byteLimit else { return block }
        let isNew = slots.withLock { slots in
            if slots.blocks.isEmpty { slots.blocks = Array(repeating: nil, count: blockCount) }
            guard slots.blocks[index] == nil else { return false }
            slots.blocks[index] = block
            slots.bytes += block.cost
            return true
        }
        if isNew { cache.admit(self, index, cost: block.cost) }
        return block
    }

    /// Whether the block was used since the last call.
    func secondChance(_ index: Int) -> Bool {
        slots.withLock { $0.blocks[index]?.takeUsed() ?? false }
    }

    func drop(_ index: Int) {
        slots.withLock { slots in
            slots.bytes -= slots.blocks[index]?.cost ?? 0
            slots.blocks[index] = nil
        }
    }
}

extension BlockStore {
    private func decode(_ index: Int) throws(LaminaError) -> Block {
        let values = rows(index).count
        let block: Block
        switch form {
        case .run(let bytes, let order, let storedWidth):
            let part = try bytes.slice((index << shift) * storedWidth, values * storedWidth)
            block = plainBlock(part, order, storedWidth, values)
        case .blocks(let list, let codec, let order, let storedWidth):
            let source = list.element(index)
            guard codec != .uncompressed else {
                guard source.count == values * storedWidth, let base = source.baseAddress else {
                    throw list.corrupt(
                        "a block of \(source.count) bytes instead of \(values * storedWidth)",
                        element: index
                    )
                }
                let part = MappedBytes(memory: list.memory(of: index), base: base, count: source.count, file: "")
                block = plainBlock(part, order, storedWidth, values)
                break
            }
            let buffer = Self.allocate(values * max(width, storedWidth))
            do throws(LaminaError) {
                let raw = UnsafeMutableRawBufferPointer(rebasing: buffer[..<(values * storedWidth)])
                try Self.decompress(list, index, codec, into: raw)
                arrange(raw, order, storedWidth, values, into: buffer)
            } catch {
                buffer.deallocate()
                throw error
            }
            block = Block(owned: buffer)
        case .packedRun(let bytes, let packing):
            block = try unpack(bytes, from: index << shift, packing, values)
        case .stream(let runs, let codec): block = try streamBlock(runs, index, codec, values)
        case .packedBlocks(let list, let codec, let packing):
            let size = packing.byteCount(values)
            if codec == .uncompressed {
                let source = list.element(index)
                guard source.count == size, let base = source.baseAddress else {
                    throw list.corrupt("a block of \(source.count) bytes instead of \(size)", element: index)
                }
                block = try unpack(
                    MappedBytes(memory: list.memory(of: index), base: base, count: size, file: ""),
                    from: 0,
                    packing,
                    values
                )
            } else {
                let memory = try Memory(byteCount: size) { buffer throws(LaminaError) in
                    try Self.decompress(list, index, codec, into: buffer)
                }
                block = try unpack(MappedBytes(memory, file: "block at " + list.place(index)), from: 0, packing, values)
            }
        }
        if let idLimit { try checkIDs(block, values, limit: idLimit, index) }
        return block
    }

    private func streamBlock(_ runs: ByteRuns, _ index: Int, _ codec: BlockCodec, _ values: Int) throws(LaminaError)
        -> Block
    {
        let source = runs.element(index)
        let buffer = Self.allocate(values)
        do throws(LaminaError) {
            let written = try codec.decompress(source, into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<values]))
            guard written == values else {
                throw runs.body.corrupt("block \(index) holds \(written) bytes instead of \(values)")
            }
        } catch {
            buffer.deallocate()
            throw runs.body.corrupt("block \(index) does not decompress (\(error.message))")
        }
        return Block(owned: buffer)
    }

    private static func allocate(_ bytes: Int) -> UnsafeMutableRawBufferPointer {
        .allocate(byteCount: max(1, bytes), alignment: 64)
    }

    static func decompress(
        _ list: GenericIndexed,
        _ index: Int,
        _ codec: BlockCodec,
        into target: UnsafeMutableRawBufferPointer
    ) throws(LaminaError) {
        let written: Int
        do throws(LaminaError) {
            written = try codec.decompress(list.element(index), into: target)
        } catch {
            throw list.corrupt("block \(index) does not decompress (\(error.message))", element: index)
        }
        guard written == target.count else {
            throw list.corrupt("block \(index) holds \(written) bytes instead of \(target.count)", element: index)
        }
    }

    /// Values that lie plainly in memory: used in place when aligned and in machine order, else copied.
    private func plainBlock(_ bytes: MappedBytes, _ order: ByteOrder, _ storedWidth: Int, _ values: Int) -> Block {
        let isAligned = UInt(bitPattern: bytes.base) % UInt(width) == 0
        if isAligned, storedWidth == width, order == .little || width == 1 {
            return Block(mapped: bytes, at: bytes.base)
        }
        let buffer = Self.allocate(values * max(width, storedWidth))
        buffer.copyMemory(from: bytes.buffer)
        arrange(
            UnsafeMutableRawBufferPointer(rebasing: buffer[..<(values * storedWidth)]),
            order,
            storedWidth,
            values,
            into: buffer
        )
        return Block(owned: buffer)
    }

    /// Brings values into machine order and from three bytes to four, in place.
    private func arrange(
        _ raw: UnsafeMutableRawBufferPointer,
        _ order: ByteOrder,
        _ storedWidth: Int,
        _ values: Int,
        into buffer: UnsafeMutableRawBufferPointer
    ) {
        guard let base = buffer.baseAddress else { return }
        switch (storedWidth, order) {
        case (3, _): widenThreeBytes(base, values, order)
        case (2, .big): swapBytes(base.assumingMemoryBound(to: UInt16.self), values)
        case (4, .big): swapBytes(base.assumingMemoryBound(to: UInt32.self), values)
        case (8, .big): swapBytes(base.assumingMemoryBound(to: UInt64.self), values)
        default: break
        }
    }

    private func unpack(
        _ bytes: MappedBytes,
        from first: Int,
        _ packing: LongPacking,
        _ values: Int
    ) throws(LaminaError) -> Block {
        let offset = first * packing.bits / 8
        let part = try bytes.slice(offset, packing.byteCount(values) - LongPacking.padding)
        guard bytes.count - offset - part.count >= LongPacking.padding else {
            throw bytes.corrupt("packed values end without padding", at: offset)
        }
        let buffer = Self.allocate(8 * values)
        let target = buffer.bindMemory(to: Int64.self)
        guard packing.unpack(part.base, into: target, values) else {
            buffer.deallocate()
            throw bytes.corrupt("a packed value is beyond its table", at: offset)
        }
        return Block(owned: buffer)
    }

    private func checkIDs(_ block: Block, _ values: Int, limit: Int, _ index: Int) throws(LaminaError) {
        let top: Int
        switch width {
        case 1:
            top = Int(
                maximum(UnsafeBufferPointer(start: block.base.assumingMemoryBound(to: UInt8.self), count: values))
            )
        case 2:
            top = Int(
                maximum(UnsafeBufferPointer(start: block.base.assumingMemoryBound(to: UInt16.self), count: values))
            )
        default:
            top = Int(
                maximum(UnsafeBufferPointer(start: block.base.assumingMemoryBound(to: UInt32.self), count: values))
            )
        }
        guard top < limit else { throw .corrupt("value id \(top) of \(limit)", at: "block \(index) of \(place)") }
    }

    /// Where the values lie, for errors.
    var place: String {
        switch form {
        case .blocks(let list, _, _, _), .packedBlocks(let list, _, _):
            list.count > 0 ? list.place(0) : "an empty column"
        case .stream(let runs, _): runs.body.place()
        case .run(let bytes, _, _), .packedRun(let bytes, _): bytes.place()
        }
    }
}

private func maximum<ID: FixedWidthInteger & UnsignedInteger>(_ ids: UnsafeBufferPointer<ID>) -> ID {
    var top: ID = 0
    for id in ids { top = max(top, id) }
    return top
}

private func swapBytes<Word: FixedWidthInteger>(_ words: UnsafeMutablePointer<Word>, _ count: Int) {
    for index in 0..<count { words[index] = words[index].byteSwapped }
}

/// In place, from the back, so that no value is overwritten before it is read.
private func widenThreeBytes(_ base: UnsafeMutableRawPointer, _ count: Int, _ order: ByteOrder) {
    let bytes = base.assumingMemoryBound(to: UInt8.self)
    var index = count - 1
    while index >= 0 {
        let (first, second, third) = (
            UInt32(bytes[3 * index]), UInt32(bytes[3 * index + 1]), UInt32(bytes[3 * index + 2])
        )
        let value = order == .little ? first | second << 8 | third << 16 : first << 16 | second << 8 | third
        base.storeBytes(of: value, toByteOffset: 4 * index, as: UInt32.self)
        index -= 1
    }
}
