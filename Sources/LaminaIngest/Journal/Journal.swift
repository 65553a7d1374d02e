import Glibc
package import LaminaBase
import Synchronization

/// An append-only log of records in a folder, numbered without gaps, each with two parts: a head, which can be read without the body,
/// and a body. What `append` returned from is on disk.
///
/// Files are named by their first record's number; a new one begins when the last is full. Safe to use from any thread.
package final class Journal: Sendable {
    package struct Options: Sendable {
        /// A file that has this many bytes gets no further records.
        package var fileBytes: Int64 = 128 << 20

        package init() {}
    }

    /// What is to be written.
    package struct Entry: Sendable {
        package var head: [UInt8]
        package var body: [UInt8]

        package init(head: [UInt8], body: [UInt8] = []) {
            self.head = head
            self.body = body
        }
    }

    /// What was written.
    package struct Record: Sendable, Equatable {
        package var sequence: Int64
        package var head: [UInt8]
        /// Empty when only heads were asked for.
        package var body: [UInt8]

        package init(sequence: Int64, head: [UInt8], body: [UInt8]) {
            self.sequence = sequence
            self.head = head
            self.body = body
        }
    }

    /// A file and how much of it is records that were synced.
    struct Extent: Sendable {
        var file: JournalFile
        var size: Int64
    }

    /// What readers see.
    struct Shape: Sendable {
        var extents: [Extent] = []
        var next: Int64 = 0
        /// Why nothing may be written any more: a failed write could not be undone.
        var broken: LaminaError?
    }

    let folder: String
    private let options: Options
    /// Held while files are written or removed; `shape` only for a moment, so that readers do not wait for the disk.
    private let writing = Mutex(())
    let shape: Mutex<Shape>

    /// Opens or makes the journal. A torn last record is cut off and told to `log`.
    /// - Errors: anything else that is not as it was written, naming file and byte.
    package init(
        folder: String,
        options: Options = Options(),
        log: (String) -> Void = { _ in }
    ) throws(LaminaError) {
        self.folder = folder
        self.options = options
        try makeFolders(folder)
        shape = Mutex(try recoverJournal(folder, log))
    }

    /// Number of the oldest record that is still there, or of the next one when there is none.
    package var first: Int64 { shape.withLock { $0.extents.first?.file.first ?? $0.next } }
    /// Number the next record will get.
    package var next: Int64 { shape.withLock { $0.next } }
    package var byteCount: Int64 { shape.withLock { shape in shape.extents.reduce(0) { $0 + $1.size } } }
    package var fileCount: Int { shape.withLock { $0.extents.count } }

    /// Writes the records, one behind the other, and syncs once.
    /// - Returns: the number of the first.
    /// - Errors: nothing of them was stored: what a failed write left is cut off again.
    package func append(_ entries: [Entry]) throws(LaminaError) -> Int64 {
        try writing.withLock { _ throws(LaminaError) in
            let (extent, first, broken) = shape.withLock { ($0.extents.last, $0.next, $0.broken) }
            if let broken { throw broken }
            guard !entries.isEmpty else { return first }
            var target: Extent
            if let extent, extent.size < options.fileBytes {
                target = extent
            } else {
                target = try addFile(first)
            }
            let start = target.size
            do throws(LaminaError) {
                for (index, entry) in entries.enumerated() {
                    try write(entry, sequence: first + Int64(index), synced: start, to: &target)
                }
                try target.file.sync()
            } catch {
                try undo(target.file, to: start, after: error)
                throw error
            }
            shape.withLock { shape in
                shape.extents[shape.extents.count - 1].size = target.size
                shape.next = first + Int64(entries.count)
            }
            return first
        }
    }

    private func write(_ entry: Entry, sequence: Int64, synced: Int64, to target: inout Extent) throws(LaminaError) {
        guard entry.head.count <= JournalFrame.lengthMax, entry.body.count <= JournalFrame.lengthMax else {
            throw .resourceLimit("A record of the journal is larger than \(JournalFrame.lengthMax) bytes")
        }
        let frame = JournalFrame.encode(
            head: entry.head,
            body: entry.body,
            sequence: sequence,
            synced: synced,
            mark: target.file.mark
        )
        try target.file.write(frame, at: target.size)
        try target.file.write(entry.body, at: target.size + Int64(frame.count))
        target.size += Int64(frame.count + entry.body.count)
    }

    private func undo(_ file: JournalFile, to size: Int64, after reason: LaminaError) throws(LaminaError) {
        do throws(LaminaError) {
            try file.cut(to: size)
            try file.sync()
        } catch {
            var broken = reason
            broken.message +=
                "; what it left could not be removed (\(error.message)), so nothing is written until a restart"
            let kept = broken
            shape.withLock { $0.broken = kept }
            throw broken
        }
    }

    private func addFile(_ first: Int64) throws(LaminaError) -> Extent {
        let extent = Extent(
            file: try JournalFile(folder: folder, first: first, creates: true),
            size: Int64(JournalHeader.size)
        )
        shape.withLock { $0.extents.append(extent) }
        return extent
    }

    /// Removes the files that hold nothing but records before `sequence`. Whoever reads them meanwhile reads on.
    /// - Returns: whether there were any.
    @discardableResult
    package func removeFiles(below sequence: Int64) throws(LaminaError) -> Bool {
        try writing.withLock { _ throws(LaminaError) in
            let old = shape.withLock { Array($0.extents.prefix(Self.countBelow(sequence, $0))) }
            guard !old.isEmpty else { return false }
            // The last file's number is what the next start counts on from.
            if old.count == shape.withLock({ $0.extents.count }) { _ = try addFile(shape.withLock { $0.next }) }
            try remove(old)
            return true
        }
    }

    /// The number before which `removeFiles(below:)` would remove everything: the records that go with whole files.
    package func removable(below sequence: Int64) -> Int64 {
        shape.withLock { shape in
            let count = Self.countBelow(sequence, shape)
            return count < shape.extents.count ? shape.extents[count].file.first : shape.next
        }
    }

    /// Files of which every record, and at least one, is before the number.
    private static func countBelow(_ sequence: Int64, _ shape: Shape) -> Int {
        var count = 0
        for (index, extent) in shape.extents.enumerated() {
            let end = index + 1 < shape.extents.count ? shape.extents[index + 1].file.first : shape.next
            guard end <= sequence, end > extent.file.first else { break }
            count = index + 1
        }
        return count
    }

    private func remove(_ old: [Extent]) throws(LaminaError) {
        shape.withLock { $0.extents.removeFirst(old.count) }
        // Oldest first: a crash in between leaves no gap.
        for extent in old {
            if unlink(extent.file.path) != 0, errno != ENOENT {
                throw .io("remove", path: extent.file.path, errno: errno)
            }
        }
        try syncFolder(folder)
    }

    /// Forgets every record; the next one gets this number, which must not be below `next`.
    package func restart(at sequence: Int64) throws(LaminaError) {
        try writing.withLock { _ throws(LaminaError) in
            let (old, next) = shape.withLock { ($0.extents, $0.next) }
            precondition(sequence >= next, "numbers of a journal are not used twice")
            if next == sequence, old.last?.file.first == sequence {
                // Its last file is empty already and keeps the number.
                return try remove(Array(old.dropLast()))
            }
            try remove(old)
            shape.withLock { shape in
                shape.next = sequence
                shape.broken = nil
            }
            _ = try addFile(sequence)
        }
    }
}

extension Journal {
    /// The number behind the first file's last record, when there is a further file.
    var endOfFirstFile: Int64? { shape.withLock { $0.extents.count > 1 ? $0.extents[1].file.first : nil } }
}
