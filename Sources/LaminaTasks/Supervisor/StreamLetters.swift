import LaminaBase
import LaminaIngest
import Synchronization

/// Keeps the records of a stream that did not parse as dead letters, each once, though a restart reads records again.
final class StreamLetters: Sendable {
    private let letters: DeadLetters
    /// Hashes of those that were there when the task began; nil until the first one comes.
    private let known = Mutex<Set<Int>?>(nil)

    init(_ letters: DeadLetters) { self.letters = letters }

    /// Called before the records are taken in: what counts as rejected is kept, whatever happens then.
    func keep(_ prepared: PreparedRecords, at now: Int64) throws(LaminaError) {
        guard prepared.rejections.contains(where: { $0.reason == .unparseable }) else { return }
        let known = try knownLetters()
        var new: [DeadLetter] = []
        for rejection in prepared.rejections where rejection.reason == .unparseable {
            let record = prepared.records.records[rejection.record]
            let partition = prepared.records.partitions[Int(record.partition)]
            let letter = DeadLetter(
                time: now,
                kind: rejection.reason.rawValue,
                reason: rejection.message,
                origin: "\(partition.topic)-\(partition.number)@\(record.offset)",
                text: record.value.map { Array(prepared.records.bytes[$0]) } ?? []
            )
            if !known.contains(Self.hash(letter)) { new.append(letter) }
        }
        try letters.add(new)
    }

    private func knownLetters() throws(LaminaError) -> Set<Int> {
        if let known = known.withLock({ $0 }) { return known }
        var found: Set<Int> = []
        var from: Int64 = 0
        while true {
            let page = try letters.list(limit: 1000, from: from)
            for letter in page { found.insert(Self.hash(letter)) }
            guard let last = page.last else { break }
            from = last.id + 1
        }
        let all = found
        known.withLock { $0 = all }
        return all
    }

    private static func hash(_ letter: DeadLetter) -> Int {
        var hasher = Hasher()
        hasher.combine(letter.origin)
        hasher.combine(letter.text)
        return hasher.finalize()
    }
}
