import LaminaBase
import LaminaCompression

extension SegmentContainer {
    /// Opens `index.zip`: the files are decompressed into memory, since a map cannot see through compression.
    convenience init(zip path: String) throws(LaminaError) {
        let mapped = try Memory(mapping: path)
        let archive: ZipArchive
        do throws(LaminaError) {
            archive = try ZipArchive(UnsafeRawBufferPointer(start: mapped.base, count: mapped.count))
        } catch {
            throw .corrupt(error.message, at: path)
        }
        try self.init(place: path) { name throws(LaminaError) in
            guard let entry = archive.entry(name) else { return nil }
            return try Memory(byteCount: entry.size, origin: "\(path), \(name)") { buffer throws(LaminaError) in
                try archive.extract(entry, into: buffer)
            }
        }
        withExtendedLifetime(mapped) {}
    }
}
