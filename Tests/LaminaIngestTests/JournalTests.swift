import Glibc
import LaminaBase
import LaminaIngest
import LaminaTestSupport
import Synchronization
import Testing

@Suite struct JournalTests {
    private func entry(_ number: Int) -> Journal.Entry {
        Journal.Entry(
            head: (0..<number % 5).map { UInt8(truncatingIfNeeded: $0 &+ number) },
            body: (0..<(number * 7 % 23)).map { UInt8(truncatingIfNeeded: $0 * number) }
        )
    }

    private func all(_ journal: Journal) throws -> [Journal.Record] {
        var records: [Journal.Record] = []
        try journal.read(from: journal.first) { record throws(LaminaError) in
            records.append(record)
            return true
        }
        return records
    }

    private func check(_ records: [Journal.Record], from first: Int = 0) {
        for (index, record) in records.enumerated() {
            let expected = entry(first + index)
            #expect(record == Journal.Record(sequence: Int64(first + index), head: expected.head, body: expected.body))
        }
    }

    private func file(_ folder: TemporaryFolder, _ first: Int) -> String {
        let digits = "\(first)"
        return "\(folder.path)/\(String(repeating: "0", count: 19 - digits.count))\(digits).journal"
    }

    @Test func recordsSurviveReopeningInTheirOrderAndOverSeveralFiles() throws {
        let folder = try TemporaryFolder()
        var options = Journal.Options()
        options.fileBytes = 150
        var next = 0
        for group in [1, 3, 0, 7, 2, 20] {
            let journal = try Journal(folder: folder.path, options: options)
            #expect(journal.next == Int64(next))
            #expect(try journal.append((next..<next + group).map(entry)) == Int64(next))
            next += group
        }
        let journal = try Journal(folder: folder.path, options: options)
        #expect(journal.fileCount > 2)
        let records = try all(journal)
        #expect(records.count == 33)
        check(records)
        var heads: [[UInt8]] = []
        try journal.read(from: 30, headsOnly: true) { record throws(LaminaError) in
            #expect(record.body.isEmpty)
            heads.append(record.head)
            return record.sequence < 31
        }
        #expect(heads == [entry(30).head, entry(31).head])
    }

    @Test func filesBelowAPositionGoAndNumbersGoOn() throws {
        let folder = try TemporaryFolder()
        var options = Journal.Options()
        options.fileBytes = 200
        let journal = try Journal(folder: folder.path, options: options)
        for number in 0..<20 { _ = try journal.append([entry(number)]) }
        let files = journal.fileCount
        #expect(try !journal.removeFiles(below: 1))
        let removable = journal.removable(below: 12)
        #expect(removable > 0 && removable <= 12)
        #expect(try journal.removeFiles(below: 12))
        #expect(journal.first == removable)
        #expect(journal.fileCount < files)
        #expect(throws: LaminaError.self) { try journal.read(from: 0) { _ throws(LaminaError) in true } }
        check(try all(journal), from: Int(removable))
        #expect(try journal.removeFiles(below: 20))
        #expect(journal.first == 20)
        let again = try Journal(folder: folder.path, options: options)
        #expect(again.next == 20)
        #expect(try again.append([entry(20)]) == 20)
        try again.restart(at: 100)
        #expect(try Journal(folder: folder.path, options: options).next == 100)
        #expect(try again.append([entry(1)]) == 100)
    }

    /// Two groups of synced records: the bytes, and how many records lie before each byte in whole.
    private func written(_ folder: TemporaryFolder) throws -> (bytes: [UInt8], firstGroupEnd: Int) {
        let journal = try Journal(folder: folder.path)
        _ = try journal.append((0..<4).map(entry))
        let end = Int(journal.byteCount)
        _ = try journal.append((4..<9).map(entry))
        return (try #require(try readFile(file(folder, 0))), end)
    }

    @Test func everyPrefixIsCutToWholeRecords() throws {
        let origin = try TemporaryFolder()
        let (bytes, _) = try written(origin)
        var counts: [Int] = []
        for length in 0...bytes.count {
            let folder = try TemporaryFolder()
            try writeFile(file(folder, 0), Array(bytes[..<length]))
            let journal = try Journal(folder: folder.path)
            let records = try all(journal)
            check(records)
            counts.append(records.count)
            // It goes on from there.
            #expect(try journal.append([entry(records.count)]) == Int64(records.count))
            check(try all(try Journal(folder: folder.path)))
        }
        #expect(counts == counts.sorted())
        #expect(counts.last == 9)
    }

    /// Whoever sends bodies must not be able to make a torn write look like damage.
    @Test func recordsOfAnotherJournalInABodyAreNone() throws {
        let other = try TemporaryFolder()
        let source = try Journal(folder: other.path)
        for number in 0..<50 { _ = try source.append([entry(number)]) }
        let folder = try TemporaryFolder()
        let journal = try Journal(folder: folder.path)
        _ = try journal.append([entry(0)])
        _ = try journal.append([Journal.Entry(head: [], body: try fileBytes(file(other, 0)))])
        let path = file(folder, 0)
        let bytes = try fileBytes(path)
        #expect(truncate(path, bytes.count - 10) == 0)
        let again = try Journal(folder: folder.path)
        #expect(again.next == 1)
        check(try all(again))
    }

    @Test func everyChangedByteIsAnErrorOrACutNeverAnotherRecord() throws {
        let origin = try TemporaryFolder()
        let (bytes, firstGroupEnd) = try written(origin)
        let folder = try TemporaryFolder()
        for place in bytes.indices {
            for flip in [UInt8(1), 0x80, 0xFF] {
                var changed = bytes
                changed[place] ^= flip
                try writeFile(file(folder, 0), changed)
                do {
                    let records = try all(try Journal(folder: folder.path))
                    check(records)
                    // Only what was written last may be torn.
                    #expect(records.count >= 4 && records.count < 9, "byte \(place)")
                    #expect(place >= firstGroupEnd, "byte \(place) was synced long before")
                } catch let error as LaminaError {
                    #expect(error.code == "corruptJournal")
                    #expect(error.message.contains("byte ") && error.message.contains(folder.path))
                    #expect(place < firstGroupEnd, "byte \(place): \(error.message)")
                }
            }
        }
    }

    @Test func damageInAnOlderFileOrAMissingOneIsAnError() throws {
        let folder = try TemporaryFolder()
        var options = Journal.Options()
        options.fileBytes = 150
        let journal = try Journal(folder: folder.path, options: options)
        for number in 0..<30 { _ = try journal.append([entry(number)]) }
        let names = try folderEntries(folder.path)
        #expect(names.count > 3)
        let second = "\(folder.path)/\(names[1])"
        let bytes = try #require(try readFile(second))
        for length in [0, 10, bytes.count / 2, bytes.count - 1] {
            try writeFile(second, Array(bytes[..<length]))
            #expect(throws: LaminaError.self) {
                _ = try all(try Journal(folder: folder.path, options: options))
            }
        }
        var changed = bytes
        changed[bytes.count - 1] ^= 4
        try writeFile(second, changed)
        #expect(throws: LaminaError.self) { _ = try all(try Journal(folder: folder.path, options: options)) }
        unlink(second)
        #expect(throws: LaminaError.self) { _ = try Journal(folder: folder.path, options: options) }
        try writeFile(second, bytes)
        check(try all(try Journal(folder: folder.path, options: options)))
    }

    /// The limit of file sizes stands for a full disk: a write stops in the middle. In a process of its own, whose limit it is.
    @Test func aFailedWriteLeavesNothingBehind() async {
        await #expect(processExitsWith: .success) {
            signal(SIGXFSZ, SIG_IGN)
            let folder = try TemporaryFolder()
            let journal = try Journal(folder: folder.path)
            _ = try journal.append([Journal.Entry(head: [1], body: [UInt8](repeating: 2, count: 1000))])
            let size = journal.byteCount
            var limit = rlimit(rlim_cur: 5000, rlim_max: .max)
            getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
            limit.rlim_cur = 5000
            setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
            let small = Journal.Entry(head: [3], body: [UInt8](repeating: 4, count: 1000))
            let large = Journal.Entry(head: [5], body: [UInt8](repeating: 6, count: 9000))
            do {
                _ = try journal.append([small, large])
                exit(2)
            } catch let error as LaminaError {
                if error.code != "io" { exit(3) }
            }
            if journal.byteCount != size || journal.next != 1 { exit(4) }
            if try journal.append([small]) != 1 { exit(5) }
            let again = try Journal(folder: folder.path)
            if again.next != 2 || again.byteCount != journal.byteCount { exit(6) }
            exit(0)
        }
    }

    @Test func readersGoOnWhileOthersWrite() throws {
        let folder = try TemporaryFolder()
        var options = Journal.Options()
        options.fileBytes = 2000
        let journal = try Journal(folder: folder.path, options: options)
        let writer = try WorkerThread(name: "writer") {
            for number in 0..<300 { _ = try? journal.append([entry(number)]) }
        }
        var seen = 0
        while seen < 300 {
            let records = try all(journal)
            check(records)
            #expect(records.count >= seen)
            seen = records.count
        }
        writer.join()
    }
}

/// A folder that goes with the value.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws { path = try makeTemporaryFolder() }

    deinit { removeTestFiles(path) }
}
