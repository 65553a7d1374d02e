import LaminaBase
import LaminaCompression
import Testing

/// Opens an archive and every entry in it.
private func contents(_ bytes: [UInt8]) throws(LaminaError) -> [String: [UInt8]] {
    let result: Result<[String: [UInt8]], LaminaError> = bytes.withUnsafeBytes { raw in
        do throws(LaminaError) {
            let archive = try ZipArchive(raw)
            var files: [String: [UInt8]] = [:]
            for entry in archive.entries {
                let room = UnsafeMutableRawBufferPointer.allocate(byteCount: entry.size, alignment: 8)
                defer { room.deallocate() }
                try archive.extract(entry, into: room)
                files[entry.name] = Array(room)
            }
            return .success(files)
        } catch {
            return .failure(error)
        }
    }
    return try result.get()
}

@Suite struct ZipArchiveTests {
    @Test func opensEveryEntry() throws {
        let files = try contents(Samples.index)
        #expect(files == ["version.bin": [0, 0, 0, 9], "00000.smoosh": Samples.text, "empty": []])
        #expect(try contents(Samples.zip) == ["sample.txt": Samples.text, "other.txt": Array("second".utf8)])
        #expect(try contents(Samples.storedZip) == ["sample.txt": Array(Samples.text[..<200])])
    }

    @Test func namesWithPathsAreRefused() {
        #expect(throws: LaminaError.self) { try contents(Samples.evilPath) }
        #expect(throws: LaminaError.self) { try contents(Samples.evilFolder) }
    }

    @Test func everyCutIsRefused() {
        for count in 0..<Samples.index.count {
            #expect(throws: LaminaError.self) { try contents(Array(Samples.index[..<count])) }
        }
    }

    @Test func changedBytesAreRefusedOrBounded() {
        for place in Samples.index.indices {
            for value in [0, 0xFF, Samples.index[place] ^ 0x40] as [UInt8] where value != Samples.index[place] {
                var bytes = Samples.index
                bytes[place] = value
                if let files = try? contents(bytes) {
                    // Only names, times and the like can change unnoticed, or the count of entries.
                    for file in files.values { #expect([4, 0, Samples.text.count].contains(file.count)) }
                }
            }
        }
    }
}
