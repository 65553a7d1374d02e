package import LaminaBase
import Synchronization

/// The rows of a batch of records.
package struct ParsedRecords: Sendable {
    /// Usually one; more when the rows of one would have taken too much memory. `RowBatch.records` and `BadRecord.record` say which
    /// record of the `RecordBatch` they are of; all in the order of the records.
    package fileprivate(set) var batches: [RowBatch] = []
    /// Records without value, which make no rows.
    package fileprivate(set) var tombstones = 0
}

/// Makes rows of the records of a stream, in any format. Used by any number of threads at once.
///
/// A JSON record holds one or several documents, over any number of lines: if one is malformed, none of the record counts, as in
/// Druid. With `useJsonNodeReader` those before it count; with `assumeNewlineDelimited` every line stands for itself. Records of the
/// other formats hold lines, each record with a header of its own if the format has one.
///
/// Source: `StreamChunkParser`, `JsonReader`, `JsonNodeReader`, `JsonLineReader`.
package final class RecordParser: Sendable {
    private let format: InputFormat
    private let wanted: Set<String>?
    private let part: RecordPart
    private let parsers = ParserPool()
    private let keys: RecordParser?
    /// Set once a record held several documents: they are counted beforehand from then on.
    private let holdsSeveral = Atomic(false)

    /// - Parameter wanted: fields the rows need; nil for all.
    package convenience init(_ format: InputFormat, wanted: Set<String>?) {
        self.init(format, wanted: wanted, part: .value)
    }

    private init(_ format: InputFormat, wanted: Set<String>?, part: RecordPart) {
        self.format = format
        self.part = part
        self.wanted = wanted
        if case .kafka(let kafka) = format.kind, let key = kafka.key, wanted?.contains(kafka.keyColumn) ?? true {
            keys = RecordParser(key, wanted: nil, part: .key)
        } else {
            keys = nil
        }
    }

    /// - Errors: `resourceLimit` for a batch of more than 1 GiB; malformed records are no errors but named in the batches.
    package func parse(_ batch: RecordBatch) throws(LaminaError) -> ParsedRecords {
        var parsed = ParsedRecords()
        guard batch.bytes.count < 1 << 30 else {
            throw .resourceLimit("A batch of records of \(batch.bytes.count) bytes is longer than \(1 << 30)")
        }
        for record in batch.records.indices where batch.records[record].value == nil { parsed.tombstones += 1 }
        parse(batch, 0..<batch.records.count, &parsed)
        return parsed
    }

    private func parse(_ batch: RecordBatch, _ range: Range<Int>, _ parsed: inout ParsedRecords) {
        let work = RecordWork(
            batch,
            range,
            part: part,
            wanted: wanted,
            number: parsed.batches.count
        )
        if case .kafka(let kafka) = format.kind { blend(kafka, work) } else { rows(format, work) }
        if work.isTooLarge {
            guard range.count > 1 else {
                parsed.batches.append(work.finishTooLarge())
                return
            }
            let middle = range.lowerBound + range.count / 2
            parse(batch, range.lowerBound..<middle, &parsed)
            parse(batch, middle..<range.upperBound, &parsed)
        } else {
            parsed.batches.append(work.finish())
        }
    }

    private func rows(_ format: InputFormat, _ work: RecordWork) {
        switch format.kind {
        case .json(let json) where json.isLines: work.parseLines(json, parsers)
        case .json(let json) where json.readsPlainObjects: plainObjects(json, work)
        case .json(let json): work.parseTrees(json)
        case .delimited(let delimited): work.parseLines(delimited)
        case .regex(let regex): work.parseLines(regex)
        case .kafka: break
        }
    }

    /// One row a record, unless that proves wrong.
    private func plainObjects(_ json: JSONFormat, _ work: RecordWork) {
        if !holdsSeveral.load(ordering: .relaxed) {
            if work.parsePlain(json, parsers, countsFirst: false) { return }
            holdsSeveral.store(true, ordering: .relaxed)
        }
        if work.parsePlain(json, parsers, countsFirst: true) { return }
        work.parseTrees(json)
    }

    /// A record whose key does not parse is bad as a whole.
    private func blend(_ kafka: KafkaFormat, _ work: RecordWork) {
        var values: KeyValues?
        if let keys {
            var parsed = ParsedRecords()
            keys.parse(work.batch, work.range, &parsed)
            work.refuse(parsed.batches.flatMap(\.badRecords))
            values = KeyValues(parsed)
        }
        rows(kafka.value, work)
        if !work.isTooLarge { work.addColumns(kafka, values) }
    }
}
