import LaminaBase
import Synchronization

/// Distinct texts in order of arrival: open addressing over UTF-8 bytes. Id 0 is null.
///
/// Only ever grows, so that a snapshot shares its memory: texts lie behind those it knows, and of the hash table it passes over
/// entries of later texts.
///
/// `@unchecked Sendable`: filled by one thread, then read by several.
final class TextDictionary: @unchecked Sendable {
    private let arena = GrowBuffer<UInt8>(capacity: 512)
    /// Start of every text in the arena and, one past, its end.
    private let starts = GrowBuffer<Int>()
    private var table = TextTable(size: 64)
    /// Those of the table.
    private var slots: UnsafeMutablePointer<Atomic<UInt64>>
    private var mask: Int

    init() {
        slots = table.slots
        mask = table.mask
        starts.append(0)
        starts.append(0)
    }

    /// Null counted in.
    var count: Int { starts.count - 1 }

    /// Bytes of all texts together.
    var textBytes: Int { arena.count }

    var bytes: Int { arena.bytes + starts.bytes + (mask + 1) * 8 }

    /// What is in it now.
    var snapshot: TextSnapshot {
        TextSnapshot(count: count, arena: arena.storage, starts: starts.storage, table: table)
    }

    @inline(__always)
    func text(_ id: UInt32) -> UnsafeRawBufferPointer {
        let start = starts.pointer[Int(id)]
        return UnsafeRawBufferPointer(start: arena.pointer + start, count: starts.pointer[Int(id) &+ 1] &- start)
    }

    /// The id of a text, new or old; of null 0.
    @inline(__always)
    func intern(_ ref: TextRef) -> UInt32 {
        guard ref.length >= 0 else { return 0 }
        var place = Int(truncatingIfNeeded: ref.hash) & mask
        while true {
            let entry = slots[place].load(ordering: .relaxed)
            if entry == 0 { return add(ref, place) }
            if UInt32(truncatingIfNeeded: entry &>> 32) == ref.hash {
                let id = UInt32(truncatingIfNeeded: entry)
                let start = starts.pointer[Int(id)]
                let length = starts.pointer[Int(id) &+ 1] &- start
                if length == Int(ref.length), isSameText(arena.pointer + start, ref.pointer, length) { return id }
            }
            place = (place &+ 1) & mask
        }
    }

    @inline(never)
    private func add(_ ref: TextRef, _ place: Int) -> UInt32 {
        let id = UInt32(truncatingIfNeeded: count)
        let target = arena.extend(Int(ref.length))
        if let source = ref.pointer {
            UnsafeMutableRawPointer(target).copyMemory(from: source, byteCount: Int(ref.length))
        }
        starts.append(arena.count)
        slots[place].store(UInt64(ref.hash) &<< 32 | UInt64(id), ordering: .relaxed)
        if count * 2 > mask {
            table = table.grown()
            slots = table.slots
            mask = table.mask
        }
        return id
    }
}

/// Places of texts by their hashes: the hash in the high half, the id in the low; 0 is free, since id 0 is never stored.
///
/// Slots are atomic, as snapshots look texts up while the writer adds others.
final class TextTable: Sendable {
    nonisolated(unsafe) let slots: UnsafeMutablePointer<Atomic<UInt64>>
    let mask: Int

    init(size: Int) {
        mask = size - 1
        slots = UnsafeMutablePointer<Atomic<UInt64>>.allocate(capacity: size)
        for place in 0..<size { (slots + place).initialize(to: Atomic(0)) }
    }

    deinit { slots.deallocate() }

    /// A larger one with the same entries.
    func grown() -> TextTable {
        let fresh = TextTable(size: (mask + 1) * 4)
        for old in 0...mask {
            let entry = slots[old].load(ordering: .relaxed)
            guard entry != 0 else { continue }
            var place = Int(truncatingIfNeeded: entry &>> 32) & fresh.mask
            while fresh.slots[place].load(ordering: .relaxed) != 0 { place = (place &+ 1) & fresh.mask }
            fresh.slots[place].store(entry, ordering: .relaxed)
        }
        return fresh
    }
}

/// The texts a dictionary had at one moment.
struct TextSnapshot: Sendable {
    /// Null counted in.
    let count: Int
    fileprivate let arena: SharedStorage<UInt8>
    fileprivate let starts: SharedStorage<Int>
    fileprivate let table: TextTable

    @inline(__always)
    func text(_ id: UInt32) -> UnsafeRawBufferPointer {
        precondition(Int(id) < count, "a text that is not there")
        let start = starts.pointer[Int(id)]
        return UnsafeRawBufferPointer(start: arena.pointer + start, count: starts.pointer[Int(id) &+ 1] &- start)
    }

    /// The id of a text if it was there.
    func id(of bytes: UnsafeRawBufferPointer) -> UInt32? {
        let hash = hashBytes(bytes)
        var place = Int(truncatingIfNeeded: hash) & table.mask
        while true {
            let entry = table.slots[place].load(ordering: .relaxed)
            if entry == 0 { return nil }
            let id = UInt32(truncatingIfNeeded: entry)
            // Entries of later texts are in the way, but not there yet.
            if UInt32(truncatingIfNeeded: entry &>> 32) == hash, Int(id) < count {
                let found = text(id)
                if found.count == bytes.count, found.elementsEqual(bytes) { return id }
            }
            place = (place &+ 1) & table.mask
        }
    }
}

@inline(__always)
private func isSameText(_ left: UnsafePointer<UInt8>, _ right: UnsafeRawPointer?, _ count: Int) -> Bool {
    guard let right else { return count == 0 }
    let left = UnsafeRawPointer(left)
    var place = 0
    while count &- place >= 8 {
        if left.loadUnaligned(fromByteOffset: place, as: UInt64.self)
            != right.loadUnaligned(fromByteOffset: place, as: UInt64.self)
        {
            return false
        }
        place &+= 8
    }
    while place < count {
        if left.load(fromByteOffset: place, as: UInt8.self) != right.load(fromByteOffset: place, as: UInt8.self) {
            return false
        }
        place &+= 1
    }
    return true
}
