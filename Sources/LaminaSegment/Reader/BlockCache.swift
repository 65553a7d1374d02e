import Synchronization

/// A decoded block of a column: values ready to read, in memory of its own or in the mapped file.
final class Block: Sendable {
    // Written before the block is handed out, never after.
    nonisolated(unsafe) let base: UnsafeRawPointer
    /// What keeping this block costs, in bytes.
    let cost: Int
    private let owner: Memory?
    /// Set by every use, cleared when the cache looks for something to drop.
    private let used = Atomic<Bool>(false)

    /// Takes over `owned`, which it deallocates.
    init(owned: UnsafeMutableRawBufferPointer) {
        base = UnsafeRawPointer(owned.baseAddress ?? UnsafeMutableRawPointer.allocate(byteCount: 1, alignment: 64))
        cost = owned.count + Block.overhead
        owner = nil
    }

    /// Values that lie in the file as the reader wants them.
    init(mapped bytes: MappedBytes, at pointer: UnsafeRawPointer) {
        base = pointer
        cost = Block.overhead
        owner = bytes.memory
    }

    private static let overhead = 128

    func markUsed() { used.store(true, ordering: .relaxed) }
    func takeUsed() -> Bool { used.exchange(false, ordering: .relaxed) }

    deinit {
        if owner == nil { base.deallocate() }
    }
}

/// Keeps decoded blocks of hot columns within a bound of bytes, for all segments of a process.
///
/// A block found here costs one short lock of its column and no copy; readers hold the block itself, so that dropping it from
/// the cache never moves memory under a reader. Replacement is second chance: a block used since the last look stays.
package final class BlockCache: Sendable {
    private struct Entry {
        weak var store: BlockStore?
        var index: Int
        var cost: Int
    }

    private struct State {
        var bytes = 0
        var entries: [Entry] = []
        var head = 0
    }

    /// Upper bound of the bytes kept.
    package let byteLimit: Int
    private let state = Mutex(State())
    private let hitCount = Atomic<Int>(0)
    private let missCount = Atomic<Int>(0)

    /// - Parameter byteLimit: 0 keeps nothing: every read decodes anew.
    package init(byteLimit: Int) { self.byteLimit = byteLimit }

    /// The cache of segments that are opened without one: 1 GiB.
    package static let shared = BlockCache(byteLimit: 1 << 30)

    /// Bytes kept now; blocks answered from the cache and blocks decoded so far.
    package var statistics: (bytes: Int, hits: Int, misses: Int) {
        (state.withLock { $0.bytes }, hitCount.load(ordering: .relaxed), missCount.load(ordering: .relaxed))
    }

    func countHit() { hitCount.wrappingAdd(1, ordering: .relaxed) }
    func countMiss() { missCount.wrappingAdd(1, ordering: .relaxed) }

    /// Accounts for a block that `store` has just put into its slot, and drops others until the bound holds again.
    func admit(_ store: BlockStore, _ index: Int, cost: Int) {
        // Stores freed while the lock is held would come back to `forget` and wait for it forever: they are kept until after.
        var keep: [BlockStore] = []
        state.withLock { state in
            state.bytes += cost
            state.entries.append(Entry(store: store, index: index, cost: cost))
            var chances = 2 * (state.entries.count - state.head)
            while state.bytes > byteLimit, state.head < state.entries.count {
                let entry = state.entries[state.head]
                state.head += 1
                chances -= 1
                guard let owner = entry.store else { continue }
                keep.append(owner)
                if chances > 0, owner.secondChance(entry.index) {
                    state.entries.append(entry)
                } else {
                    owner.drop(entry.index)
                    state.bytes -= entry.cost
                }
            }
            if state.head > 1024, state.head > state.entries.count / 2 {
                state.entries.removeFirst(state.head)
                state.head = 0
            }
        }
    }

    /// A column is gone, and its blocks with it.
    func forget(bytes: Int) { state.withLock { $0.bytes -= bytes } }
}
