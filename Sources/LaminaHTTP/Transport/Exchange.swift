import CMicroHTTPD
import Glibc
import LaminaBase
import LaminaCompression
import Synchronization

/// One request and its answer on one connection, shared by libmicrohttpd's thread and the thread that works on it.
///
/// `@unchecked Sendable`: what both sides touch is in `flow`, a monitor; the rest belongs to libmicrohttpd's thread until the request
/// is handed over, and is only read afterwards.
final class Exchange: @unchecked Sendable {
    let id: UInt64
    let target: String
    let hangUp = HangUp()
    var method = ""
    var headers: [String: String] = [:]
    var body: [UInt8] = []
    var headersSeen = false
    var bodyTooLarge = false
    /// There was no room for it.
    var bodyRefused = false
    var handedOver = false
    var queued = false

    /// What the answering thread has made and libmicrohttpd has not taken yet.
    struct Flow: Sendable {
        var head: HTTPResponse?
        var pieces: [[UInt8]] = []
        var pieceOffset = 0
        var bytesWaiting = 0
        var finished = false
        var failed = false
        var gone = false
        /// Set while libmicrohttpd has put the connection aside until there is something to send.
        var suspended: SuspendedConnection?
    }

    let flow = Monitor(Flow())
    /// Bytes of the budget that its body has.
    private let charge = Atomic<Int>(0)

    /// How far a producer may run ahead of its client.
    static let bytesWaitingMax = 1 << 20

    init(id: UInt64, target: String) {
        self.id = id
        self.target = target
    }

    /// Notes bytes that were taken from the budget.
    func addCharge(_ count: Int) { charge.wrappingAdd(count, ordering: .relaxed) }
    /// What is to be given back; nothing is left.
    func takeCharge() -> Int { charge.exchange(0, ordering: .acquiringAndReleasing) }

    /// The whole answer or, for a streamed one, its head.
    func answer(_ response: HTTPResponse) {
        flow.update { flow in
            flow.head = response
            Exchange.wake(&flow)
        }
    }

    /// One more piece of a streamed body; false when the client is gone.
    func send(_ piece: [UInt8]) -> Bool {
        let open = flow.wait { flow -> Bool? in
            if flow.gone || hangUp.isGone { return false }
            return flow.bytesWaiting < Exchange.bytesWaitingMax ? true : nil
        }
        guard open == true else { return false }
        flow.update { flow in
            flow.pieces.append(piece)
            flow.bytesWaiting += piece.count
            Exchange.wake(&flow)
        }
        return true
    }

    /// The end of a streamed body; `failed` breaks the framing so that the client cannot take a part for the whole.
    func finish(failed: Bool) {
        flow.update { flow in
            flow.finished = true
            flow.failed = failed
            Exchange.wake(&flow)
        }
    }

    /// libmicrohttpd is done with the request, whether it was answered or not.
    func completed(normally: Bool) {
        flow.update { flow in
            flow.gone = true
            flow.pieces = []
        }
        if normally { hangUp.forget() } else { hangUp.signal() }
    }

    private static func wake(_ flow: inout Flow) {
        guard let suspended = flow.suspended else { return }
        flow.suspended = nil
        suspended.resume()
    }

    /// libmicrohttpd asks for bytes of the body: as many as are there, or puts the connection aside until there are some.
    func pull(into buffer: UnsafeMutableRawBufferPointer, connection: SuspendedConnection) -> Int {
        flow.update { flow in
            guard let piece = flow.pieces.first else {
                if flow.finished { return flow.failed ? Int(lamina_mhd_failed) : Int(lamina_mhd_end) }
                flow.suspended = connection
                connection.suspend()
                return 0
            }
            let count = min(buffer.count, piece.count - flow.pieceOffset)
            piece.withUnsafeBytes { bytes in
                buffer.copyMemory(
                    from: UnsafeRawBufferPointer(rebasing: bytes[flow.pieceOffset..<flow.pieceOffset + count])
                )
            }
            flow.pieceOffset += count
            if flow.pieceOffset == piece.count {
                flow.pieces.removeFirst()
                flow.pieceOffset = 0
            }
            flow.bytesWaiting -= count
            return count
        }
    }
}

/// A connection that libmicrohttpd keeps but does not serve.
///
/// `@unchecked Sendable`: libmicrohttpd allows resuming from any thread; the pointer lives until the exchange is completed.
struct SuspendedConnection: @unchecked Sendable {
    private let connection: OpaquePointer

    init(_ connection: OpaquePointer) { self.connection = connection }

    func suspend() { MHD_suspend_connection(connection) }
    func resume() { MHD_resume_connection(connection) }
}
