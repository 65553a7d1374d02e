package import LaminaBase

/// Which pushes were stored: keys for a period, the last sequence number of each producer for good. In memory, and on disk once in the
/// stream's journal and, before its files go, in a journal of their own.
///
/// Memory is bounded: when more keys would have to be remembered than `keysMax`, pushes with further ones are refused, for forgetting
/// one early could store its rows twice.
final class PushKeys: Sendable {
    struct Hash: Hashable, Sendable {
        var low: UInt64
        var high: UInt64
    }

    /// Keys of one stretch of time, forgotten together.
    struct Generation: Sendable {
        var start: Int64
        var keys: Set<Hash> = []
    }

    struct State: Sendable {
        var generations: [Generation] = []
        var keyCount = 0
        var producers: [String: Int64] = [:]
        /// Being worked on: whoever comes with the same waits.
        var busy: Set<PushIdentity.Lane> = []
        /// The newest time in each record of the key journal.
        var saved: [(sequence: Int64, newest: Int64)] = []
    }

    let period: Int64
    let keysMax: Int
    let producersMax = 100_000
    let state = Monitor(State())
    let journal: Journal

    /// - Parameters:
    ///   - period: ms.
    ///   - now: wall clock, ms.
    init(folder: String, period: Int64, keysMax: Int, now: Int64, log: (String) -> Void) throws(LaminaError) {
        self.period = period
        self.keysMax = keysMax
        var options = Journal.Options()
        options.fileBytes = 4 << 20
        journal = try Journal(folder: folder, options: options, log: log)
        try load(now)
    }

    var keyCount: Int { state.read { $0.keyCount } }
    var producerCount: Int { state.read { $0.producers.count } }

    /// Waits until nobody works on the same push; then answers whether it was stored before. If not, the caller has it to itself until
    /// `finish`.
    /// - Parameter milliseconds: how long to wait for others.
    func claim(_ identity: PushIdentity, now: Int64, milliseconds: Int64) throws(LaminaError) -> Bool {
        let outcome = state.wait(milliseconds: milliseconds) { state -> Result<Bool, LaminaError>? in
            guard !state.busy.contains(identity.lane) else { return nil }
            self.expire(&state, now)
            if Self.isKnown(identity, state) { return .success(true) }
            if let problem = self.refusal(identity, state, now) { return .failure(problem) }
            state.busy.insert(identity.lane)
            return .success(false)
        }
        switch outcome {
        case .success(let isKnown): return isKnown
        case .failure(let problem): throw problem
        case nil: throw .pushUnavailable("A push with the same key, or of the same producer, is still being worked on")
        }
    }

    /// Lets others go on that wait for the same.
    func finish(_ identity: PushIdentity) {
        state.update { state in _ = state.busy.remove(identity.lane) }
    }

    /// Remembers a push that is on disk.
    func remember(_ identity: PushIdentity, time: Int64) {
        state.update { self.remember(identity, time, &$0) }
    }

    private static func isKnown(_ identity: PushIdentity, _ state: State) -> Bool {
        switch identity {
        case .key(let low, let high):
            let hash = Hash(low: low, high: high)
            return state.generations.contains { $0.keys.contains(hash) }
        case .producer(let name, let sequence): return state.producers[name].map { sequence <= $0 } ?? false
        }
    }

    private func refusal(_ identity: PushIdentity, _ state: State, _ now: Int64) -> LaminaError? {
        switch identity {
        case .key:
            guard state.keyCount >= keysMax else { return nil }
            let frees = (state.generations.first.map { $0.start + stretch + period } ?? now) - now
            return .pushBusy(
                "\(keysMax) idempotency keys are remembered, as many as maxIdempotencyKeys allows: raise it, shorten "
                    + "idempotencyPeriod, or send X-Lamina-Producer and X-Lamina-Sequence, which need one number a producer",
                retryAfter: max(1, min(600, frees / 1000))
            )
        case .producer(let name, _):
            guard state.producers[name] == nil, state.producers.count >= producersMax else { return nil }
            return .pushBusy(
                "This stream remembers \(producersMax) producers and takes no further one",
                retryAfter: 600
            )
        }
    }

    /// Length of a generation.
    private var stretch: Int64 { max(1, period / 16) }

    private func remember(_ identity: PushIdentity, _ time: Int64, _ state: inout State) {
        switch identity {
        case .key(let low, let high):
            let start = time - floorModulo(time, stretch)
            var index = state.generations.count
            while index > 0, state.generations[index - 1].start > start { index -= 1 }
            if index == 0 || state.generations[index - 1].start < start {
                state.generations.insert(Generation(start: start), at: index)
                index += 1
            }
            if state.generations[index - 1].keys.insert(Hash(low: low, high: high)).inserted { state.keyCount += 1 }
        case .producer(let name, let sequence): state.producers[name] = max(state.producers[name] ?? sequence, sequence)
        }
    }

    private func expire(_ state: inout State, _ now: Int64) {
        while let first = state.generations.first, first.start + stretch + period <= now {
            state.keyCount -= first.keys.count
            state.generations.removeFirst()
        }
    }

    /// Forgets everything, also on disk.
    func reset() throws(LaminaError) {
        try journal.restart(at: journal.next)
        state.update { state in
            state.generations = []
            state.keyCount = 0
            state.producers = [:]
            state.saved = []
        }
    }
}

extension PushKeys {
    /// Writes down pushes whose records in the stream's journal are about to be removed, and removes what is over.
    func save(_ pushes: [(identity: PushIdentity, time: Int64)], now: Int64) throws(LaminaError) {
        guard !pushes.isEmpty else { return }
        let sequence = try journal.append([Self.entry(pushes)])
        let newest = pushes.reduce(Int64.min) { max($0, $1.time) }
        let over = state.update { state -> Int64 in
            state.saved.append((sequence, newest))
            var over = sequence
            for saved in state.saved where saved.newest + self.period > now { over = min(over, saved.sequence) }
            return over
        }
        guard journal.removable(below: over) > journal.first else { return }
        // Producers are kept for good: they move to the end.
        let producers = state.read { $0.producers }
        let all = producers.map { (PushIdentity.producer($0.key, sequence: $0.value), Int64(0)) }
        let last = try journal.append([Self.entry(all)])
        try journal.removeFiles(below: over)
        let first = journal.first
        state.update { state in
            state.saved.removeAll { $0.sequence < first }
            state.saved.append((last, 0))
        }
    }

    private static func entry(_ pushes: [(identity: PushIdentity, time: Int64)]) -> Journal.Entry {
        var head = HeadWriter()
        head.put(1)
        head.put(pushes.count)
        for push in pushes {
            head.put(push.time)
            push.identity.write(to: &head)
        }
        return Journal.Entry(head: head.bytes)
    }

    private func load(_ now: Int64) throws(LaminaError) {
        try journal.read(from: journal.first, headsOnly: true) { record throws(LaminaError) in
            var head = HeadReader(record.head)
            var newest: Int64 = 0
            do throws(HeadReader.Malformed) {
                guard try head.number() == 1 else { throw HeadReader.Malformed() }
                for _ in 0..<(try head.count()) {
                    let time = try head.time()
                    guard let identity = try PushIdentity.read(from: &head) else { throw HeadReader.Malformed() }
                    newest = max(newest, time)
                    self.restore(identity, time: time, now: now)
                }
            } catch {
                throw self.journal.unreadable(record.sequence)
            }
            self.state.update { $0.saved.append((record.sequence, newest)) }
            return true
        }
    }

    /// After a start: what is not over yet.
    func restore(_ identity: PushIdentity, time: Int64, now: Int64) {
        if case .key = identity, time + period + stretch <= now { return }
        remember(identity, time: time)
    }
}

extension LaminaError {
    /// Try again later: HTTP's 429.
    static func pushBusy(_ message: String, retryAfter: Int64) -> LaminaError {
        LaminaError(.capacityExceeded, code: "pushBusy", message, context: ["retryAfter": "\(retryAfter)"])
    }

    /// Not now: HTTP's 503.
    package static func pushUnavailable(_ message: String, retryAfter: Int64 = 5) -> LaminaError {
        LaminaError(.serviceUnavailable, code: "pushUnavailable", message, context: ["retryAfter": "\(retryAfter)"])
    }
}
