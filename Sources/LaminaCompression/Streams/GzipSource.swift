import CZlib
import LaminaBase

/// Opens gzip data, also of several members one after another; what follows the last member is ignored, as Java does.
final class GzipSource: ByteSource {
    private let input: BufferedInput
    private let inflater: Inflater
    private var members = 0
    private var insideMember = false
    private var done = false

    init(_ source: any ByteSource) throws(LaminaError) {
        input = BufferedInput(source, format: "gzip")
        inflater = try Inflater(windowBits: 31)
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws(LaminaError) -> Int {
        while !done {
            if !insideMember {
                let hasMember = try input.require(2) && input.available[0] == 0x1F && input.available[1] == 0x8B
                if !hasMember {
                    done = true
                    // A file without a byte is an empty text; anything else must begin with a member.
                    if members == 0, try input.require(1) { throw input.damaged("not gzip data") }
                    return 0
                }
                members += 1
                insideMember = true
                inflater.reset()
            }
            guard try input.require(1) else { throw input.endsEarly }
            let step = inflater.step(input.available, into: buffer)
            input.consume(step.taken)
            if let problem = step.problem { throw input.damaged(problem) }
            if step.finished { insideMember = false }
            if step.made > 0 { return step.made }
        }
        return 0
    }
}

/// zlib's inflate with its state at a fixed address.
final class Inflater {
    private let stream: UnsafeMutablePointer<z_stream>

    /// `windowBits` as zlib means it: 31 gzip, 15 zlib, -15 raw deflate.
    init(windowBits: Int32) throws(LaminaError) {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        guard inflateInit2_(stream, windowBits, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
            throw .resourceLimit("No memory to open deflated data")
        }
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
    }

    func reset() { inflateReset(stream) }

    struct Step {
        var taken: Int
        var made: Int
        var finished: Bool
        var problem: String?
    }

    /// Inflates from `input` to `output` until one of them is used up or the data ends.
    func step(_ input: UnsafeMutableRawBufferPointer, into output: UnsafeMutableRawBufferPointer) -> Step {
        let inputCount = min(input.count, 1 << 30)
        let outputCount = min(output.count, 1 << 30)
        stream.pointee.next_in = input.baseAddress?.assumingMemoryBound(to: UInt8.self)
        stream.pointee.avail_in = UInt32(inputCount)
        stream.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
        stream.pointee.avail_out = UInt32(outputCount)
        let status = inflate(stream, Z_NO_FLUSH)
        var step = Step(
            taken: inputCount - Int(stream.pointee.avail_in),
            made: outputCount - Int(stream.pointee.avail_out),
            finished: status == Z_STREAM_END,
            problem: nil
        )
        if status != Z_OK, status != Z_STREAM_END, status != Z_BUF_ERROR {
            step.problem = stream.pointee.msg.map { String(cString: $0) } ?? "zlib status \(status)"
        } else if status == Z_BUF_ERROR, step.taken == 0, step.made == 0, inputCount > 0, outputCount > 0 {
            step.problem = "zlib makes no progress"
        }
        return step
    }
}
