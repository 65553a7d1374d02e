import Glibc
import LaminaBase

/// What a journal's folder holds: every head checked, in the last file bodies too; a torn end of the last file is cut off.
///
/// A record is torn when nothing that was written after it had been synced lies behind it: all behind may belong to the same write,
/// which was never acknowledged. Anything else that does not read as it was written is an error.
func recoverJournal(_ folder: String, _ log: (String) -> Void) throws(LaminaError) -> Journal.Shape {
    var shape = Journal.Shape()
    let firsts = try folderEntries(folder).compactMap { JournalFile.first(of: $0) }.sorted()
    for (index, first) in firsts.enumerated() {
        let isLast = index == firsts.count - 1
        let file = try JournalFile(folder: folder, first: first, creates: false)
        guard index == 0 || first == shape.next else {
            throw damaged(
                file,
                0,
                "its first record would be \(first), but the file before it ends before \(shape.next)"
            )
        }
        let size = try file.size()
        guard file.mark != 0 else {
            // Records are only written behind a header that was synced.
            guard isLast, size <= JournalHeader.size else {
                throw damaged(file, 0, "its header is not as it was written")
            }
            log("The journal's file \(file.path) was never finished and is removed")
            unlink(file.path)
            try syncFolder(folder)
            // The number stays taken: an earlier file's end says the same, and without one this is all that is known.
            shape.next = first
            let fresh = try JournalFile(folder: folder, first: first, creates: true)
            shape.extents.append(Journal.Extent(file: fresh, size: Int64(JournalHeader.size)))
            continue
        }
        var extent = Journal.Extent(file: file, size: size)
        shape.next = first
        var cursor = JournalCursor(extent, next: first, readsBodies: isLast)
        do throws(LaminaError) {
            while try cursor.read() != nil {}
            shape.next = cursor.next
        } catch {
            guard isLast, try isTorn(extent, at: cursor.place) else { throw error }
            log(
                "The last write to the journal's file \(file.path) is torn at byte \(cursor.place): cut off there, "
                    + "\(size - cursor.place) bytes that were never acknowledged"
            )
            try file.cut(to: cursor.place)
            try file.sync()
            extent.size = cursor.place
            shape.next = cursor.next
        }
        shape.extents.append(extent)
    }
    return shape
}

/// Whether no record behind this byte was written after the byte had been synced.
private func isTorn(_ extent: Journal.Extent, at place: Int64) throws(LaminaError) -> Bool {
    var start = place + 1
    let window = 1 << 20
    while start < extent.size {
        let bytes = try extent.file.bytes(at: start, count: window + 3)
        var offset = 0
        while offset + 4 <= bytes.count {
            if bytes.withUnsafeBytes({ $0.little32(offset) }) == UInt32(truncatingIfNeeded: extent.file.mark),
                let frame = try verifiedFrame(extent, at: start + Int64(offset)), frame.synced > place
            {
                return false
            }
            offset += 1
        }
        start += Int64(window)
    }
    return true
}

private func verifiedFrame(_ extent: Journal.Extent, at place: Int64) throws(LaminaError) -> JournalFrame? {
    let fixed = try extent.file.bytes(at: place, count: JournalFrame.size)
    guard let frame = fixed.withUnsafeBytes({ JournalFrame($0, mark: extent.file.mark) }),
        place + Int64(JournalFrame.size + frame.headLength) <= extent.size
    else { return nil }
    let bytes = try extent.file.bytes(at: place, count: JournalFrame.size + frame.headLength)
    return bytes.withUnsafeBytes { frame.verifiesHead($0, mark: extent.file.mark) } ? frame : nil
}

/// Bytes of a journal that do not read as they were written.
func damaged(_ file: JournalFile, _ place: Int64, _ what: String) -> LaminaError {
    LaminaError(
        .runtimeFailure,
        code: "corruptJournal",
        "The journal's file \(file.path) is damaged at byte \(place): \(what)",
        context: ["path": file.path, "byte": "\(place)"]
    )
}
