import LaminaBase
import LaminaSegment

/// Numbers rows by the tuples of their keys' codes, in order of arrival.
final class TupleGroups {
    private let keys: [ProjectionKey]
    /// One table for every key but the first: pairs of what came before and the key's code.
    private let tables: [HashGroups]
    /// By key: the code of each group.
    private var codes: [[UInt32]]
    private(set) var count = 0
    private let words = Scratch<UInt64>(batchRowsMax)
    private let numbers = Scratch<UInt32>(batchRowsMax)

    init(_ keys: [ProjectionKey]) {
        self.keys = keys
        tables = keys.map { _ in HashGroups() }
        codes = keys.map { _ in [] }
    }

    /// The group of every slot of a batch in which all slots count.
    func assign(_ batch: Batch, _ slots: Int) throws(LaminaError) -> UnsafePointer<UInt32> {
        words.reserve(slots)
        numbers.reserve(slots)
        let current = numbers.pointer
        if keys.isEmpty {
            current.initialize(repeating: 0, count: slots)
            count = 1
            return UnsafePointer(current)
        }
        var found: [UnsafePointer<UInt32>] = []
        for (index, key) in keys.enumerated() {
            let own = try key.codes(batch, slots)
            found.append(own)
            for slot in 0..<slots {
                let before = index == 0 ? 0 : UInt64(current[slot]) << 32
                words.pointer[slot] = before | UInt64(own[slot])
            }
            tables[index].map(words.pointer, count: slots, into: current)
        }
        for slot in 0..<slots where Int(current[slot]) == count {
            for index in keys.indices { codes[index].append(found[index][slot]) }
            count += 1
        }
        return UnsafePointer(current)
    }

    /// The codes of one key of some groups.
    func codes(of key: Int, _ groups: [UInt32]) -> [UInt32] { pick(codes[key], groups) }

    /// All groups by their keys, the first key first.
    func sorted() throws(LaminaError) -> [UInt32] {
        var ranks: [[UInt32]] = []
        for (index, key) in keys.enumerated() { ranks.append(pick(try key.ranks(), codes[index])) }
        return (0..<UInt32(count)).sorted { left, right in
            for column in ranks {
                let (one, other) = (column[Int(left)], column[Int(right)])
                if one != other { return one < other }
            }
            return false
        }
    }
}
