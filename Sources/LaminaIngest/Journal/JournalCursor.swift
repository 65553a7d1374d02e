package import LaminaBase
import LaminaCompression
import Synchronization

/// Reads the records of one file in order.
struct JournalCursor {
    private let extent: Journal.Extent
    private let readsBodies: Bool
    /// Where the next record begins.
    private(set) var place = Int64(JournalHeader.size)
    /// Its number.
    private(set) var next: Int64

    init(_ extent: Journal.Extent, next: Int64, readsBodies: Bool) {
        self.extent = extent
        self.next = next
        self.readsBodies = readsBodies
    }

    /// The next record, its body empty unless bodies are read; nil at the end. An error leaves the cursor before the record.
    mutating func read() throws(LaminaError) -> Journal.Record? {
        guard place < extent.size else { return nil }
        let frame = try self.frame()
        var head = try extent.file.bytes(at: place, count: JournalFrame.size + frame.headLength)
        guard head.withUnsafeBytes({ frame.verifiesHead($0, mark: extent.file.mark) }) else {
            throw damaged(extent.file, place, "the head of record \(next) does not match its checksum")
        }
        guard frame.sequence == next else {
            throw damaged(extent.file, place, "it holds record \(frame.sequence) where \(next) belongs")
        }
        head.removeFirst(JournalFrame.size)
        var record = Journal.Record(sequence: next, head: head, body: [])
        if readsBodies {
            let start = place + Int64(frame.length - frame.bodyLength)
            record.body = try extent.file.bytes(at: start, count: frame.bodyLength)
            guard record.body.count == frame.bodyLength, record.body.withUnsafeBytes({ crc32c($0) }) == frame.bodyCheck
            else {
                throw damaged(extent.file, place, "the body of record \(next) does not match its checksum")
            }
        }
        place += Int64(frame.length)
        next += 1
        return record
    }

    /// Moves behind the next record without reading it; false at the end.
    mutating func skip() throws(LaminaError) -> Bool {
        guard place < extent.size else { return false }
        place += Int64(try frame().length)
        next += 1
        return true
    }

    private func frame() throws(LaminaError) -> JournalFrame {
        let bytes = try extent.file.bytes(at: place, count: JournalFrame.size)
        guard let frame = bytes.withUnsafeBytes({ JournalFrame($0, mark: extent.file.mark) }) else {
            throw damaged(extent.file, place, "no record begins there")
        }
        guard place + Int64(frame.length) <= extent.size else {
            throw damaged(extent.file, place, "record \(next) ends behind the file's end")
        }
        return frame
    }
}

extension Journal {
    /// Gives the records from a number on, in order, until `body` answers false; those that come while it runs may be among them.
    /// - Parameter headsOnly: leaves the bodies unread (and unchecked).
    /// - Errors: `sequence` is before the oldest record; damaged bytes, naming file and byte; what `body` throws.
    package func read(
        from sequence: Int64,
        headsOnly: Bool = false,
        _ body: (Record) throws(LaminaError) -> Bool
    ) throws(LaminaError) {
        let (extents, end) = shape.withLock { ($0.extents, $0.next) }
        guard let oldest = extents.first?.file.first, sequence < end else { return }
        guard sequence >= oldest else {
            throw LaminaError(
                .runtimeFailure,
                code: "journalGap",
                "The journal in \(folder) begins with record \(oldest), not with \(sequence), which is needed",
                context: ["path": folder]
            )
        }
        for (index, extent) in extents.enumerated() {
            let after = index + 1 < extents.count ? extents[index + 1].file.first : end
            if after <= sequence { continue }
            var cursor = JournalCursor(extent, next: extent.file.first, readsBodies: !headsOnly)
            while cursor.next < sequence, try cursor.skip() {}
            while let record = try cursor.read() {
                guard try body(record) else { return }
            }
        }
    }
}
