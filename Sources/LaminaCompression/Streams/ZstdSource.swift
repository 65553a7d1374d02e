import CZstd
import LaminaBase

/// Opens zstd frames one after another.
final class ZstdSource: ByteSource {
    private let input: BufferedInput
    private let context: OpaquePointer
    private var insideFrame = false

    init(_ source: any ByteSource) throws(LaminaError) {
        input = BufferedInput(source, format: "zstd")
        guard let context = ZSTD_createDCtx() else { throw .resourceLimit("No memory to open zstd data") }
        self.context = context
    }

    deinit { ZSTD_freeDCtx(context) }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws(LaminaError) -> Int {
        while true {
            let hasInput = try input.require(1)
            if !hasInput, !insideFrame { return 0 }
            let available = input.available
            var source = ZSTD_inBuffer(src: available.baseAddress, size: available.count, pos: 0)
            var target = ZSTD_outBuffer(dst: buffer.baseAddress, size: buffer.count, pos: 0)
            let status = ZSTD_decompressStream(context, &target, &source)
            input.consume(source.pos)
            if ZSTD_isError(status) != 0 { throw input.damaged(String(cString: ZSTD_getErrorName(status))) }
            insideFrame = status != 0
            if target.pos > 0 { return target.pos }
            if !hasInput { throw input.endsEarly }
        }
    }
}
