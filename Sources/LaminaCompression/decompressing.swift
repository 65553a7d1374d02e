package import LaminaBase

/// The plain bytes of a source, decompressed by the ending of its name (letter case matters).
///
/// `.gz`, `.bz2`, `.xz`, `.zip` (its first file), `.sz` (framed snappy), `.zst`; any other name gives the source itself. Errors name
/// the byte of the compressed data.
///
/// Source: `CompressionUtils.decompress` of Druid.
package func decompressing(_ source: any ByteSource, name: String) throws(LaminaError) -> any ByteSource {
    switch compressionSuffix(of: name) {
    case ".gz": try GzipSource(source)
    case ".bz2": Bzip2Source(source)
    case ".xz": try XZSource(source)
    case ".zip": try ZipSource(source)
    case ".sz": SnappySource(source)
    case ".zst": try ZstdSource(source)
    default: source
    }
}

/// The ending of a name that says how it is compressed; nil when it is not.
package func compressionSuffix(of name: String) -> String? {
    for suffix in [".gz", ".bz2", ".xz", ".zip", ".sz", ".zst"] where name.hasSuffix(suffix) { return suffix }
    return nil
}
