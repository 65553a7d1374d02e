import LaminaBase
import LaminaCompression
import LaminaHTTPClient

/// One file, body or text of an input source.
struct InputEntity: Sendable {
    enum Origin: Sendable {
        case file(String)
        case memory([UInt8])
        case http(HTTPRequest)
    }

    /// As Druid names it in messages: `file:/data/x.json`; nil for inline data.
    let uri: String?
    /// Whose ending says how it is compressed.
    let name: String
    /// Bytes as stored; nil when not known beforehand.
    let size: Int64?
    let origin: Origin

    /// The plain bytes, decompressed by the ending of the name.
    func open() throws(LaminaError) -> any ByteSource {
        switch origin {
        case .memory(let bytes): MemoryByteSource(bytes)
        case .file(let path): try decompressing(try FileByteSource(path: path), name: name)
        case .http(let request): try decompressing(try HTTPClient().open(request), name: name)
        }
    }
}

extension HTTPDownload: ByteSource {}
