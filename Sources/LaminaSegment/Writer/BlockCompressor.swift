import LaminaBase
import LaminaCompression

extension IndexSpec.Compression {
    /// The codec of blocks; `none` has no blocks.
    var codec: BlockCodec {
        switch self {
        case .lz4: .lz4
        case .lzf: .lzf
        case .zstd: .zstd
        case .uncompressed: .uncompressed
        case .none: .none
        }
    }

    /// The format's id byte.
    var id: UInt8 { codec.rawValue }

    /// Where ids must stand in compressed blocks whatever the spec says (`auto` columns): lz4 then.
    var compressing: IndexSpec.Compression { self == .uncompressed || self == .none ? .lz4 : self }

    /// Appends one compressed block.
    func append(_ block: UnsafeRawBufferPointer, to sink: ByteSink) {
        if self == .uncompressed || self == .none {
            sink.append(block)
        } else {
            sink.append(codec.compress(block))
        }
    }
}
