import LaminaBase
import LaminaCompression

extension IndexSpec.Compression {
    init(_ codec: BlockCodec) {
        self =
            switch codec {
            case .lz4: .lz4
            case .lzf: .lzf
            case .zstd: .zstd
            case .uncompressed: .uncompressed
            case .none: .none
            }
    }

    var codec: BlockCodec {
        switch self {
        case .lz4: .lz4
        case .lzf: .lzf
        case .zstd: .zstd
        case .uncompressed: .uncompressed
        case .none: .none
        }
    }
}

/// Compresses the blocks of one part of a column.
struct BlockCompressor {
    let codec: BlockCodec
    let effort: BlockCodec.Effort

    init(_ compression: IndexSpec.Compression, effort: BlockCodec.Effort) {
        codec = compression.codec
        self.effort = effort
    }

    /// The format's id byte.
    var id: UInt8 { codec.rawValue }
    /// The part has no blocks at all.
    var isNone: Bool { codec == .none }

    /// Appends one compressed block.
    func append(_ block: UnsafeRawBufferPointer, to sink: ByteSink) {
        if codec == .uncompressed || codec == .none {
            sink.append(block)
        } else {
            sink.append(codec.compress(block, effort: effort))
        }
    }
}

extension ColumnWriter {
    var numberCompressor: BlockCompressor { BlockCompressor(spec.metricCompression, effort: effort) }
    var dimensionCompressor: BlockCompressor { BlockCompressor(spec.dimensionCompression, effort: effort) }
    /// Ids of `auto` columns are compressed whatever the spec says: with lz4 where it says nothing.
    var autoIDCompressor: BlockCompressor {
        let isPlain = spec.dimensionCompression == .uncompressed || spec.dimensionCompression == .none
        return BlockCompressor(isPlain ? .lz4 : spec.dimensionCompression, effort: effort)
    }
    var rawCompressor: BlockCompressor { BlockCompressor(spec.jsonCompression ?? .lz4, effort: effort) }
}
