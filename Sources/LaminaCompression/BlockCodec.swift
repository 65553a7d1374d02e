import CLZ4
import CZstd
package import LaminaBase
import Synchronization

/// How the blocks of a column are compressed; raw values are the ids in column files.
///
/// Source: `CompressionStrategy` of Druid.
package enum BlockCodec: UInt8, Sendable, CaseIterable {
    case lzf = 0x00
    case lz4 = 0x01
    case zstd = 0x02
    /// Raw bytes in blocks.
    case uncompressed = 0xFF
    /// No blocks at all; as a codec it behaves like `uncompressed`.
    case none = 0xFE

    /// The name in an indexSpec.
    package var name: String {
        switch self {
        case .lzf: "lzf"
        case .lz4: "lz4"
        case .zstd: "zstd"
        case .uncompressed: "uncompressed"
        case .none: "none"
        }
    }

    /// By its name in an indexSpec, letter case ignored.
    package init?(name: String) {
        let lower = name.lowercased()
        guard let codec = Self.allCases.first(where: { $0.name == lower }) else { return nil }
        self = codec
    }

    /// How hard to try; both give what any reader of the format opens.
    package enum Effort: Sendable {
        /// For speed of indexing.
        case fast
        /// As Druid: LZ4-HC at level 9, zstd at its highest level; other codecs as `fast`.
        case high
    }

    /// One block, compressed. Empty input gives one zero byte with lz4, as the format wants it.
    package func compress(_ bytes: UnsafeRawBufferPointer, effort: Effort = .fast) -> [UInt8] {
        var target: [UInt8] = []
        compress(bytes, effort: effort, appendingTo: &target)
        return target
    }

    /// Appends one compressed block; answers its size.
    @discardableResult
    package func compress(_ bytes: UnsafeRawBufferPointer, effort: Effort = .fast, appendingTo target: inout [UInt8])
        -> Int
    {
        let before = target.count
        switch self {
        case .lzf: LZF.compress(bytes, appendingTo: &target)
        case .lz4: compressLZ4(bytes, effort: effort, appendingTo: &target)
        case .zstd: compressZstd(bytes, effort: effort, appendingTo: &target)
        case .uncompressed, .none: target.append(contentsOf: bytes)
        }
        return target.count - before
    }

    private func compressLZ4(_ bytes: UnsafeRawBufferPointer, effort: Effort, appendingTo target: inout [UInt8]) {
        precondition(bytes.count <= Int(LZ4_MAX_INPUT_SIZE), "a block is at most \(LZ4_MAX_INPUT_SIZE) bytes")
        let capacity = LZ4_compressBound(Int32(bytes.count))
        let block = [UInt8](unsafeUninitializedCapacity: Int(capacity)) { buffer, count in
            buffer.withMemoryRebound(to: CChar.self) { room in
                let source = bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
                let made =
                    effort == .high
                    ? LZ4_compress_HC(source, room.baseAddress, Int32(bytes.count), capacity, 9)
                    : LZ4_compress_default(source, room.baseAddress, Int32(bytes.count), capacity)
                precondition(made > 0, "LZ4 always fits its own bound")
                count = Int(made)
            }
        }
        target.append(contentsOf: block)
    }

    private func compressZstd(_ bytes: UnsafeRawBufferPointer, effort: Effort, appendingTo target: inout [UInt8]) {
        let context = ZstdContexts.compressing.take()
        defer { ZstdContexts.compressing.give(context) }
        let capacity = ZSTD_compressBound(bytes.count)
        let level = effort == .high ? ZSTD_maxCLevel() : 3
        let block = [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
            let made = ZSTD_compressCCtx(context, buffer.baseAddress, capacity, bytes.baseAddress, bytes.count, level)
            precondition(ZSTD_isError(made) == 0, "zstd always fits its own bound")
            count = made
        }
        target.append(contentsOf: block)
    }

    /// Opens one block into `target` and answers how many bytes it has. Blocks that do not decode, or are larger than `target`,
    /// are errors; the caller knows how many bytes there should be.
    package func decompress(
        _ bytes: UnsafeRawBufferPointer,
        into target: UnsafeMutableRawBufferPointer
    ) throws(LaminaError) -> Int {
        switch self {
        case .lzf: return try LZF.decompress(bytes, into: target)
        case .lz4:
            let capacity = Int32(clamping: target.count)
            guard bytes.count <= Int32.max else {
                throw .corrupt("an lz4 block of \(bytes.count) bytes", at: "its block")
            }
            let made = LZ4_decompress_safe(
                bytes.baseAddress?.assumingMemoryBound(to: CChar.self),
                target.baseAddress?.assumingMemoryBound(to: CChar.self),
                Int32(bytes.count),
                capacity
            )
            guard made >= 0 else { throw .corrupt("an lz4 block that does not decode", at: "its byte \(-Int(made))") }
            return Int(made)
        case .zstd:
            let context = ZstdContexts.decompressing.take()
            defer { ZstdContexts.decompressing.give(context) }
            let made = ZSTD_decompressDCtx(context, target.baseAddress, target.count, bytes.baseAddress, bytes.count)
            guard ZSTD_isError(made) == 0 else {
                throw .corrupt(
                    "a zstd block that does not decode (\(String(cString: ZSTD_getErrorName(made))))",
                    at: "its block"
                )
            }
            return made
        case .uncompressed, .none:
            guard bytes.count <= target.count else {
                throw .corrupt("a block of \(bytes.count) bytes where at most \(target.count) fit", at: "its block")
            }
            if bytes.count > 0 { target.copyMemory(from: bytes) }
            return bytes.count
        }
    }
}

/// zstd contexts are large and slow to make, so threads hand them on.
private final class ZstdContexts: Sendable {
    static let compressing = ZstdContexts(make: { ZSTD_createCCtx() }, free: { ZSTD_freeCCtx($0) })
    static let decompressing = ZstdContexts(make: { ZSTD_createDCtx() }, free: { ZSTD_freeDCtx($0) })

    /// Moves between threads, used by one at a time.
    private struct Handle: @unchecked Sendable { var pointer: OpaquePointer }

    private static let spareMax = 8
    private let spare = Mutex<[Handle]>([])
    private let make: @Sendable () -> OpaquePointer?
    private let free: @Sendable (OpaquePointer) -> Void

    init(make: @escaping @Sendable () -> OpaquePointer?, free: @escaping @Sendable (OpaquePointer) -> Void) {
        self.make = make
        self.free = free
    }

    func take() -> OpaquePointer {
        if let handle = spare.withLock({ $0.popLast() }) { return handle.pointer }
        guard let pointer = make() else { preconditionFailure("out of memory for a zstd context") }
        return pointer
    }

    func give(_ pointer: OpaquePointer) {
        let handle = Handle(pointer: pointer)
        let isKept = spare.withLock { spare in
            if spare.count >= Self.spareMax { return false }
            spare.append(handle)
            return true
        }
        if !isKept { free(pointer) }
    }
}
