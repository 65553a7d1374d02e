import Glibc
import LaminaBase
import Synchronization

/// Rows of a stretch of a stream. Records are taken under a lock, parsed by whoever asks.
final class StreamRowSource: RowSource {
    private static let recordsMax = 20_000
    private static let bytesMax = 1 << 20
    /// How long a stream may give nothing before its end: the broker may be away for a while.
    private static let patience = 60.0

    private struct Reading {
        var isOpen = false
        var isDone = false
        var failure: LaminaError?
        /// Batches of records taken so far.
        var taken = 0
        /// Where to read on, of partitions that are not at their end yet.
        var rest: StreamPosition = [:]
        var end: StreamPosition?
        var assigned = 0
        /// After an error: what was read ahead is lost, and is read again.
        var mustAssign = false
        var waitsSince = 0.0
        var lastError: StreamError?
    }

    /// Numbers the batches of rows: of one batch of records there may be several.
    private struct Order: Sendable {
        var counts: [Int: Int] = [:]
        var before: [Int: Int] = [:]
        var next = 0
        var total = 0
        var spare: [RowBatch] = []

        mutating func finish(_ number: Int, batches: Int) {
            counts[number] = batches
            while let count = counts.removeValue(forKey: next) {
                before[next] = total
                total += count
                next += 1
            }
        }
    }

    private let input: KafkaInput
    private let source: any StreamSource
    private let parser: RecordParser
    private let until: Double?
    private let readsInOrder: Bool
    private let reading = Mutex(Reading())
    private let order = Monitor(Order())

    /// - Parameters:
    ///   - until: monotonic seconds at which the rows end, whether or not all were read.
    ///   - readsInOrder: one partition after the other, so that rows come in the same order each time.
    init(
        _ input: KafkaInput,
        _ source: any StreamSource,
        _ parser: RecordParser,
        until: Double?,
        readsInOrder: Bool = false
    ) {
        self.readsInOrder = readsInOrder
        self.input = input
        self.source = source
        self.parser = parser
        self.until = until
    }

    deinit { source.close() }

    func nextBatch() throws(LaminaError) -> RowBatch? {
        if let spare = order.update({ $0.spare.isEmpty ? nil : $0.spare.removeFirst() }) { return spare }
        let taken = try reading.withLock { (reading) throws(LaminaError) in try self.take(&reading) }
        guard let (number, records) = taken else { return nil }
        let parsed: ParsedRecords
        do throws(LaminaError) {
            parsed = try parser.parse(records)
        } catch {
            reading.withLock { $0.failure = $0.failure ?? error }
            order.update { $0.finish(number, batches: 0) }
            throw error
        }
        order.update { $0.finish(number, batches: parsed.batches.count) }
        let before = order.wait { $0.before.removeValue(forKey: number) } ?? 0
        for batch in parsed.batches { batch.shift(by: before) }
        if parsed.batches.count > 1 { order.update { $0.spare += parsed.batches.dropFirst() } }
        return parsed.batches.first
    }

    private func take(_ reading: inout Reading) throws(LaminaError) -> (number: Int, records: RecordBatch)? {
        if let failure = reading.failure { throw failure }
        do throws(LaminaError) {
            if !reading.isOpen { try open(&reading) }
            while !reading.isDone {
                guard let records = try poll(&reading), !records.records.isEmpty else { continue }
                reading.taken += 1
                return (reading.taken - 1, records)
            }
            source.close()
            return nil
        } catch {
            reading.failure = error
            source.close()
            throw error
        }
    }

    private func open(_ reading: inout Reading) throws(LaminaError) {
        let stretch = try input.stretch(source)
        reading.isOpen = true
        reading.end = stretch.end
        reading.rest = stretch.start
        if let end = stretch.end { reading.rest = stretch.start.filter { $0.value < end[$0.key] ?? 0 } }
        reading.isDone = reading.rest.isEmpty
        reading.waitsSince = monotonicSeconds()
        if reading.isDone { return }
        do throws(StreamError) { try assign(&reading) } catch { throw error.laminaError }
    }

    private func assign(_ reading: inout Reading) throws(StreamError) {
        var wanted = reading.rest
        if readsInOrder, let first = wanted.keys.min(by: { ($0.topic, $0.number) < ($1.topic, $1.number) }) {
            wanted = wanted.filter { $0.key == first }
        }
        try source.assign(wanted)
        reading.assigned = wanted.count
        reading.mustAssign = false
    }

    /// The next records, cut at the end; nil when none came for a while.
    private func poll(_ reading: inout Reading) throws(LaminaError) -> RecordBatch? {
        let now = monotonicSeconds()
        if let until, now >= until {
            reading.isDone = true
            return nil
        }
        let wait = min(500, until.map { Int(($0 - now) * 1000) + 1 } ?? 500)
        var records: RecordBatch?
        do throws(StreamError) {
            if reading.mustAssign {
                // A broker that is away would be asked without a pause.
                usleep(200_000)
                try assign(&reading)
            }
            records = try source.poll(maxRecords: Self.recordsMax, maxBytes: Self.bytesMax, milliseconds: wait)
        } catch {
            guard case .unreachable = error else { throw error.laminaError }
            reading.lastError = error
            reading.mustAssign = true
        }
        guard var records else {
            if until == nil, now - reading.waitsSince > Self.patience {
                throw reading.lastError?.laminaError
                    ?? LaminaError(.timeout, code: "streamStalled", "The stream \(input.topic) gives no more records")
            }
            return nil
        }
        reading.waitsSince = now
        reading.lastError = nil
        try advance(&reading, &records)
        return records
    }

    private func advance(_ reading: inout Reading, _ records: inout RecordBatch) throws(LaminaError) {
        for (partition, offset) in records.next where reading.rest[partition] != nil {
            reading.rest[partition] = offset
        }
        guard let end = reading.end else { return }
        var isBeyond = false
        for (partition, offset) in records.next {
            guard let last = end[partition], offset >= last else { continue }
            reading.rest[partition] = nil
            isBeyond = isBeyond || offset > last
        }
        if isBeyond {
            let partitions = records.partitions
            records.records.removeAll { $0.offset >= end[partitions[Int($0.partition)]] ?? 0 }
        }
        reading.isDone = reading.rest.isEmpty
        // What lies behind the ends of many would be read for nothing.
        let hasEnded = readsInOrder && records.next.keys.contains { reading.rest[$0] == nil }
        guard !reading.isDone, hasEnded || reading.rest.count * 2 <= reading.assigned else { return }
        do throws(StreamError) { try assign(&reading) } catch { throw error.laminaError }
    }
}
