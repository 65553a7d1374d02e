package import LaminaBase
import Synchronization

/// A row that a stream could not take in, kept with the reason so that it can be looked at and tried again.
package struct DeadLetter: Sendable, Equatable {
    /// Set when it is kept; ever higher.
    package var id: Int64
    /// Wall clock, ms.
    package var time: Int64
    /// `unparseable`, `late`, `early`.
    package var kind: String
    /// A full sentence.
    package var reason: String
    /// Where it came from: `topic-partition@offset`, `push 17, row 4`.
    package var origin: String
    /// The row as it came; of a very long one only the beginning, which cannot be tried again.
    package var text: [UInt8]
    package var isCut: Bool

    package init(time: Int64, kind: String, reason: String, origin: String, text: [UInt8]) {
        id = -1
        self.time = time
        self.kind = kind
        self.reason = reason
        self.origin = origin
        isCut = text.count > DeadLetters.textMax
        self.text = isCut ? Array(text.prefix(4096)) : text
    }

    package var json: JSON {
        [
            "id": .int(id), "time": .string(instantText(time)), "kind": .string(kind), "reason": .string(reason),
            "origin": .string(origin), "row": .string(String(decoding: text, as: UTF8.self)),
        ]
    }
}

/// The rejected rows of a stream: a journal of its own, bounded; when it is full the oldest go, which is counted. Safe to use from any
/// thread; what `add` and `remove` returned from is on disk.
package final class DeadLetters: Sendable {
    package static let textMax = 1 << 20

    private struct State: Sendable {
        /// Kinds of those that are there, by id, ascending.
        var ids: [Int64] = []
        var kinds: [UInt8] = []
        var names: [String] = []
        /// Gone because there was no room.
        var dropped: Int64 = 0
        /// The highest `through` of any `add`.
        var through: Int64 = -1
        /// While the journal is read: letters of an `add` whose last letter was not there yet.
        var unfinished: Set<Int64> = []
    }

    /// What a record of the journal begins with.
    private enum Kind {
        static let letter = 1
        static let removal = 2
        static let totals = 3
        /// A letter behind which others of the same `add` come: without them it does not count.
        static let earlierLetter = 4
    }

    private let journal: Journal
    private let bytesMax: Int64
    private let state = Mutex(State())
    /// Held while letters are written: their order is that of their ids.
    private let writing = Mutex(())

    package init(
        folder: String,
        bytesMax: Int64 = 64 << 20,
        log: (String) -> Void = { _ in }
    ) throws(LaminaError) {
        var options = Journal.Options()
        options.fileBytes = max(1, bytesMax / 8)
        self.bytesMax = bytesMax
        journal = try Journal(folder: folder, options: options, log: log)
        try journal.read(from: journal.first, headsOnly: true) { record throws(LaminaError) in
            let content = try content(record)
            state.withLock { Self.take(content, &$0) }
            return true
        }
        // The process died in their `add`: whoever was adding them does it again.
        _ = try removeKnown(state.withLock { $0.unfinished })
    }

    /// How many are there, by kind.
    package var counts: [String: Int] {
        state.withLock { state in
            var counts: [String: Int] = [:]
            for kind in state.kinds { counts[state.names[Int(kind)], default: 0] += 1 }
            return counts
        }
    }

    package var count: Int { state.withLock { $0.ids.count } }
    package var dropped: Int64 { state.withLock { $0.dropped } }
    /// The highest `through` that letters were added with; -1 before.
    package var through: Int64 { state.withLock { $0.through } }

    /// Keeps letters, all of them or, when the process dies meanwhile, none; their ids are set here.
    /// - Parameter through: a position of the stream up to which its letters are complete with these.
    package func add(_ letters: [DeadLetter], through: Int64 = -1) throws(LaminaError) {
        guard !letters.isEmpty else { return }
        try writing.withLock { _ throws(LaminaError) in
            let last = letters.count - 1
            let first = try journal.append(letters.enumerated().map { Self.entry($1, through, isLast: $0 == last) })
            state.withLock { state in
                for (index, letter) in letters.enumerated() {
                    state.ids.append(first + Int64(index))
                    state.kinds.append(Self.number(letter.kind, &state))
                }
                state.through = max(state.through, through)
            }
            try makeRoom()
        }
    }

    /// The oldest first.
    /// - Parameters:
    ///   - kind: nil for all.
    ///   - from: the first id that is wanted.
    ///   - bytesMax: of their rows together; one is given in any case.
    package func list(
        kind: String? = nil,
        limit: Int,
        from: Int64 = 0,
        bytesMax: Int = .max
    ) throws(LaminaError) -> [DeadLetter] {
        let wanted = state.withLock { state -> [Int64] in
            let number = kind.map { name in state.names.firstIndex(of: name) ?? -1 }
            var ids: [Int64] = []
            for (index, id) in state.ids.enumerated() where id >= from {
                if ids.count >= limit { break }
                if number == nil || number == Int(state.kinds[index]) { ids.append(id) }
            }
            return ids
        }
        guard let first = wanted.first else { return [] }
        var letters: [DeadLetter] = []
        var next = 0
        var bytes = 0
        try journal.read(from: max(first, journal.first)) { record throws(LaminaError) in
            while next < wanted.count, wanted[next] < record.sequence { next += 1 }
            guard next < wanted.count else { return false }
            if wanted[next] == record.sequence, case .letter(let letter, _) = try content(record) {
                bytes += letter.text.count
                if bytes > bytesMax, !letters.isEmpty { return false }
                letters.append(letter)
            }
            return true
        }
        return letters
    }

    /// Removes letters; ids that are not there do not matter.
    /// - Returns: how many there were.
    @discardableResult
    package func remove(_ ids: [Int64]) throws(LaminaError) -> Int {
        guard !ids.isEmpty else { return 0 }
        return try writing.withLock { _ throws(LaminaError) in try removeKnown(Set(ids)) }
    }

    /// Removes all, or all of a kind.
    package func removeAll(kind: String? = nil) throws(LaminaError) -> Int {
        try writing.withLock { _ throws(LaminaError) in
            let ids = state.withLock { state in
                zip(state.ids, state.kinds).filter { kind == nil || state.names[Int($0.1)] == kind }.map(\.0)
            }
            return try removeKnown(Set(ids))
        }
    }

    private func removeKnown(_ ids: Set<Int64>) throws(LaminaError) -> Int {
        let present = state.withLock { $0.ids.filter { ids.contains($0) } }
        guard !present.isEmpty else { return 0 }
        var head = HeadWriter()
        head.put(Kind.removal)
        head.put(present.count)
        for id in present { head.put(id) }
        _ = try journal.append([Journal.Entry(head: head.bytes)])
        state.withLock { Self.forget(Set(present), &$0) }
        let oldest = state.withLock { $0.ids.first } ?? journal.next
        if journal.removable(below: oldest) > journal.first {
            try writeTotals()
            try journal.removeFiles(below: oldest)
        }
        return present.count
    }

    /// The oldest files go until the rest fits.
    private func makeRoom() throws(LaminaError) {
        while journal.byteCount > bytesMax, let end = journal.endOfFirstFile {
            state.withLock { state in
                let gone = state.ids.prefix { $0 < end }.count
                state.ids.removeFirst(gone)
                state.kinds.removeFirst(gone)
                state.dropped += Int64(gone)
            }
            try writeTotals()
            try journal.removeFiles(below: end)
        }
    }

    private func writeTotals() throws(LaminaError) {
        let (dropped, through) = state.withLock { ($0.dropped, $0.through) }
        var head = HeadWriter()
        head.put(Kind.totals)
        head.put(dropped)
        head.put(through)
        _ = try journal.append([Journal.Entry(head: head.bytes)])
    }

    private static func entry(_ letter: DeadLetter, _ through: Int64, isLast: Bool) -> Journal.Entry {
        var head = HeadWriter()
        head.put(isLast ? Kind.letter : Kind.earlierLetter)
        head.put(letter.time)
        head.put(through)
        head.put(letter.isCut ? 1 : 0)
        head.put(letter.kind)
        head.put(letter.reason)
        head.put(letter.origin)
        return Journal.Entry(head: head.bytes, body: letter.text)
    }

    /// What a record says.
    private enum Content {
        /// - through: nil for one of several that were added together, but the last.
        case letter(DeadLetter, through: Int64?)
        case removed(Set<Int64>)
        case totals(dropped: Int64, through: Int64)
    }

    private static func content(_ record: Journal.Record) throws(HeadReader.Malformed) -> Content {
        var head = HeadReader(record.head)
        let type = try head.number()
        switch type {
        case Kind.letter, Kind.earlierLetter:
            let (time, through, isCut) = (try head.time(), Int64(try head.number()), try head.number() == 1)
            let (kind, reason, origin) = (try head.text(), try head.text(), try head.text())
            var letter = DeadLetter(time: time, kind: kind, reason: reason, origin: origin, text: record.body)
            letter.id = record.sequence
            letter.isCut = isCut
            return .letter(letter, through: type == Kind.letter ? through : nil)
        case Kind.removal:
            var ids = Set<Int64>()
            for _ in 0..<(try head.count()) { ids.insert(Int64(try head.number())) }
            return .removed(ids)
        case Kind.totals:
            let (dropped, through) = (Int64(try head.number()), Int64(try head.number()))
            guard dropped >= 0, dropped < 1 << 60 else { throw HeadReader.Malformed() }
            return .totals(dropped: dropped, through: through)
        default: throw HeadReader.Malformed()
        }
    }

    private func content(_ record: Journal.Record) throws(LaminaError) -> Content {
        do throws(HeadReader.Malformed) {
            return try Self.content(record)
        } catch {
            throw journal.unreadable(record.sequence)
        }
    }

    /// What a record does to the state.
    private static func take(_ content: Content, _ state: inout State) {
        switch content {
        case .letter(let letter, let through):
            state.ids.append(letter.id)
            state.kinds.append(number(letter.kind, &state))
            if let through {
                state.unfinished = []
                state.through = max(state.through, through)
            } else {
                state.unfinished.insert(letter.id)
            }
        case .removed(let ids):
            forget(ids, &state)
            state.unfinished.subtract(ids)
        case .totals(let dropped, let through):
            state.dropped = dropped
            state.through = max(state.through, through)
        }
    }

    private static func number(_ kind: String, _ state: inout State) -> UInt8 {
        if let index = state.names.firstIndex(of: kind) { return UInt8(index) }
        // Kinds are few and ours; the last number is for whatever exceeds them.
        guard state.names.count < 255 else { return 254 }
        state.names.append(kind)
        return UInt8(state.names.count - 1)
    }

    private static func forget(_ ids: Set<Int64>, _ state: inout State) {
        var kept = 0
        for index in state.ids.indices where !ids.contains(state.ids[index]) {
            state.ids[kept] = state.ids[index]
            state.kinds[kept] = state.kinds[index]
            kept += 1
        }
        state.ids.removeLast(state.ids.count - kept)
        state.kinds.removeLast(state.kinds.count - kept)
    }
}
