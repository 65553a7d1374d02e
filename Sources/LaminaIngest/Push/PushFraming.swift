package import LaminaBase

/// Cuts the body of a push into records: one JSON document, or one line of delimited text, each. The bytes are not copied but where
/// msgpack becomes JSON.
///
/// The content type decides, a generic or absent one leaves it to the first bytes. JSON comes as an array, as objects on lines, or as
/// objects with or without anything between them; an object or array that does not end spoils its line only, but for an array that a
/// body begins with which is not declared to be lines: that is the body, and cut off. Lamina's own; the bodies are those that Fluent Bit, Fluentd, Vector, Kafka Connect and Tranquility's clients send.
package struct PushFraming: Sendable {
    /// How a body is to be read.
    enum Form: Sendable {
        case json
        case jsonLines
        case messagePack
        /// Lines of the spec's own format.
        case text
    }

    private let readsJSON: Bool
    /// Lines of the body that are a header.
    private let headerLines: Int
    private let timestamp: TimestampSpec
    private let rowsMax: Int

    /// - Parameter rowsMax: of one push.
    package init(_ format: InputFormat, timestamp: TimestampSpec, rowsMax: Int = PushFraming.rowsMaxDefault) {
        self.timestamp = timestamp
        self.rowsMax = rowsMax
        switch format.kind {
        case .json: (readsJSON, headerLines) = (true, 0)
        case .delimited(let delimited):
            (readsJSON, headerLines) = (false, delimited.skipHeaderRows + (delimited.findColumnsFromHeader ? 1 : 0))
        default: (readsJSON, headerLines) = (false, 0)
        }
    }

    /// - Parameter mediaType: without parameters, in lower case.
    /// - Errors: `unsupportedMediaType` for a type that the spec's format cannot read, `malformedBody` for bytes that cannot be cut.
    package func records(
        of body: [UInt8],
        mediaType: String?,
        partition: StreamPartition
    ) throws(LaminaError) -> RecordBatch {
        var batch = RecordBatch()
        switch try form(body, mediaType) {
        case .json:
            let rows = try frameJSON(body, isLines: false, rowsMax: rowsMax)
            batch.setRecords(rows, of: body, partition: partition)
        case .jsonLines:
            let rows = try frameJSON(body, isLines: true, rowsMax: rowsMax)
            batch.setRecords(rows, of: body, partition: partition)
        case .text where headerLines > 0:
            let (text, ranges) = try linesWithHeader(body)
            batch.setRecords(ranges, of: text, partition: partition)
        case .text: batch.setRecords(try frameLines(body, rowsMax: rowsMax), of: body, partition: partition)
        case .messagePack:
            var reader = MessagePackFraming(timestamp, rowsMax: rowsMax)
            try reader.read(body)
            batch.setRecords(reader.records, of: reader.text, partition: partition)
        }
        return batch
    }

    /// An empty row can be a byte of msgpack, and takes hundreds on its way.
    package static let rowsMaxDefault = 1_000_000

    private static let generic: Set<String> = [
        "application/octet-stream", "binary/octet-stream", "application/x-www-form-urlencoded", "text/plain", "*/*",
    ]
    private static let json: Set<String> = [
        "application/json", "text/json", "application/json-stream", "application/stream+json",
    ]
    private static let jsonLines: Set<String> = [
        "application/x-ndjson", "application/ndjson", "application/jsonl", "application/jsonlines",
        "application/x-jsonlines", "application/json-lines", "application/json-l",
    ]
    private static let messagePack: Set<String> = [
        "application/msgpack", "application/x-msgpack", "application/vnd.msgpack", "application/messagepack",
    ]
    private static let text: Set<String> = [
        "text/csv", "application/csv", "text/tab-separated-values", "text/tsv", "application/tsv",
    ]

    private func form(_ body: [UInt8], _ mediaType: String?) throws(LaminaError) -> Form {
        guard let mediaType, !Self.generic.contains(mediaType) else {
            guard readsJSON else { return .text }
            return MessagePackFraming.mayBegin(body) ? .messagePack : .json
        }
        if readsJSON {
            if Self.json.contains(mediaType) || mediaType.hasSuffix("+json") { return .json }
            if Self.jsonLines.contains(mediaType) { return .jsonLines }
            if Self.messagePack.contains(mediaType) { return .messagePack }
        } else if Self.text.contains(mediaType) {
            return .text
        }
        throw LaminaError(
            .invalidInput,
            code: "unsupportedMediaType",
            "This stream does not take '\(mediaType)': its inputFormat reads "
                + (readsJSON
                    ? "application/json, application/x-ndjson and application/msgpack"
                    : "text/csv, text/tab-separated-values and text/plain")
        )
    }
}

extension PushFraming {
    /// The body's lines, each behind the header again: a row must be readable by itself, now and as a dead letter.
    private func linesWithHeader(_ body: [UInt8]) throws(LaminaError) -> ([UInt8], [Range<Int>]) {
        let lines = try frameLines(body, rowsMax: rowsMax)
        guard lines.count > headerLines else { return ([], []) }
        let header = body[..<lines[headerLines].lowerBound]
        let rows = lines[headerLines...]
        let (headers, overflow) = header.count.multipliedReportingOverflow(by: rows.count)
        // A few rows may have a header that is much longer than they are.
        guard !overflow, headers <= max(1 << 20, body.count.multipliedReportingOverflow(by: 8).partialValue) else {
            throw malformedBody("a header of \(header.count) bytes is too long for \(rows.count) rows", at: 0)
        }
        var text: [UInt8] = []
        text.reserveCapacity(headers + body.count)
        var ranges: [Range<Int>] = []
        for row in rows {
            let start = text.count
            text.append(contentsOf: header)
            text.append(contentsOf: body[row])
            ranges.append(start..<text.count)
            text.append(0x0A)
        }
        return (text, ranges)
    }
}

extension RecordBatch {
    /// Roughly what a push takes in memory until it is answered, by its bytes and rows.
    var weight: Int { max(bytes.count, records.count * 200) }

    /// Which number the journal gives them is not known yet: their offset is behind all that is, and `next` is set later.
    mutating func setRecords(_ ranges: [Range<Int>], of bytes: [UInt8], partition: StreamPartition) {
        self.bytes = bytes
        partitions = [partition]
        records.reserveCapacity(ranges.count)
        for range in ranges {
            records.append(Record(partition: 0, offset: .max, timestamp: nil, value: range))
        }
    }
}

/// A body that is not what it says it is; nothing of it is stored.
func malformedBody(_ what: String, at place: Int) -> LaminaError {
    LaminaError(
        .invalidInput,
        code: "malformedBody",
        "The body is malformed at byte \(place): \(what)",
        context: ["byte": "\(place)"]
    )
}

/// More rows than a push may have; nothing of it is stored.
func tooManyRows(_ limit: Int) -> LaminaError {
    LaminaError(
        .invalidInput,
        code: "tooManyRows",
        "The body has more than \(limit) rows, which is the most that one push may have: send them in several"
    )
}

/// Lines without their ends; empty ones are none.
/// - Errors: `tooManyRows`.
func frameLines(_ body: [UInt8], rowsMax: Int = .max) throws(LaminaError) -> [Range<Int>] {
    var lines: [Range<Int>] = []
    body.withUnsafeBufferPointer { bytes in
        var start = 0
        while start < bytes.count, lines.count <= rowsMax {
            let feed = lineEnd(bytes, from: start)
            var end = feed
            if end > start, bytes[end - 1] == 0x0D { end -= 1 }
            if end > start { lines.append(start..<end) }
            start = feed + 1
        }
    }
    if lines.count > rowsMax { throw tooManyRows(rowsMax) }
    return lines
}

/// The place of the next line feed, or the end.
func lineEnd(_ bytes: UnsafeBufferPointer<UInt8>, from start: Int) -> Int {
    var place = start
    let feed = SIMD32<UInt8>(repeating: 0x0A)
    if let base = bytes.baseAddress {
        while place &+ 32 <= bytes.count {
            if any(UnsafeRawPointer(base + place).loadUnaligned(as: SIMD32<UInt8>.self) .== feed) { break }
            place &+= 32
        }
    }
    while place < bytes.count, bytes[place] != 0x0A { place &+= 1 }
    return place
}
