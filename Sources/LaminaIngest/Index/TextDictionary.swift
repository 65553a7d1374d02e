import LaminaBase

/// Distinct texts in order of arrival: open addressing over UTF-8 bytes. Id 0 is null.
///
/// `@unchecked Sendable`: filled by one thread, then read by several.
final class TextDictionary: @unchecked Sendable {
    private let arena = GrowBuffer<UInt8>(capacity: 4096)
    /// Start of every text in the arena and, one past, its end.
    private let starts = GrowBuffer<Int>(capacity: 256)
    /// Hash in the high half, id in the low; 0 is free, since id 0 is never stored.
    private var table: UnsafeMutablePointer<UInt64>
    private var mask: Int

    init() {
        mask = 255
        table = UnsafeMutablePointer<UInt64>.allocate(capacity: 256)
        table.initialize(repeating: 0, count: 256)
        starts.append(0)
        starts.append(0)
    }

    deinit { table.deallocate() }

    /// Null counted in.
    var count: Int { starts.count - 1 }

    /// Bytes of all texts together.
    var textBytes: Int { arena.count }

    var bytes: Int { arena.bytes + starts.bytes + (mask + 1) * 8 }

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
            let entry = table[place]
            if entry == 0 { return add(ref, place) }
            if UInt32(truncatingIfNeeded: entry &>> 32) == ref.hash {
                let id = UInt32(truncatingIfNeeded: entry)
                let start = starts.pointer[Int(id)]
                let length = starts.pointer[Int(id) &+ 1] &- start
                if length == Int(ref.length), isSame(arena.pointer + start, ref.pointer, length) { return id }
            }
            place = (place &+ 1) & mask
        }
    }

    @inline(__always)
    private func isSame(_ left: UnsafePointer<UInt8>, _ right: UnsafeRawPointer?, _ count: Int) -> Bool {
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

    @inline(never)
    private func add(_ ref: TextRef, _ place: Int) -> UInt32 {
        let id = UInt32(truncatingIfNeeded: count)
        let target = arena.extend(Int(ref.length))
        if let source = ref.pointer {
            UnsafeMutableRawPointer(target).copyMemory(from: source, byteCount: Int(ref.length))
        }
        starts.append(arena.count)
        table[place] = UInt64(ref.hash) &<< 32 | UInt64(id)
        if count * 2 > mask { growTable() }
        return id
    }

    private func growTable() {
        let size = (mask + 1) * 4
        let fresh = UnsafeMutablePointer<UInt64>.allocate(capacity: size)
        fresh.initialize(repeating: 0, count: size)
        for old in 0...mask where table[old] != 0 {
            var place = Int(truncatingIfNeeded: table[old] &>> 32) & (size - 1)
            while fresh[place] != 0 { place = (place &+ 1) & (size - 1) }
            fresh[place] = table[old]
        }
        table.deallocate()
        table = fresh
        mask = size - 1
    }
}
