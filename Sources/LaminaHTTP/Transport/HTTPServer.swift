import CMicroHTTPD
import Glibc
package import LaminaBase
import LaminaCompression
import Synchronization

/// What a server takes before it refuses.
package struct HTTPLimits: Sendable {
    /// Request line and headers together (and libmicrohttpd's buffers for a connection).
    package var headerBytes = 64 << 10
    /// A request's body, as it comes and after it is opened.
    package var bodyBytes = 64 << 20
    /// Of the bodies of all requests that are in memory, together.
    package var bodyBytesAtOnce = 1 << 30
    package var connections = 4096
    /// A connection on which nothing happens for so long is closed.
    package var idleSeconds = 300
    /// Threads that serve sockets.
    package var socketThreads = 2
    /// Requests that are worked on at the same time; others wait.
    package var requestsAtOnce = 256

    package init() {}
}

/// An HTTP/1.1 server: libmicrohttpd's epoll threads move bytes, `handler` runs on threads of its own and may block.
package final class HTTPServer: Sendable {
    package let port: Int
    private let core: ServerCore
    /// `nonisolated(unsafe)`: set once in `init`; libmicrohttpd's daemon may be stopped from any thread.
    nonisolated(unsafe) private let daemon: OpaquePointer
    private let stopped = Atomic<Bool>(false)

    /// Listens at once.
    package init(
        host: String,
        port: Int,
        limits: HTTPLimits = HTTPLimits(),
        handler: @escaping @Sendable (HTTPRequest) -> HTTPResponse
    ) throws(LaminaError) {
        let socket = try listenSocket(host: host, port: port)
        let core = try ServerCore(limits: limits, handler: handler)
        // Released when the daemon, whose callbacks use it, is stopped for good.
        let context = Unmanaged.passRetained(core).toOpaque()
        let daemon = lamina_mhd_start(
            socket.descriptor,
            UInt32(limits.socketThreads),
            UInt32(limits.connections),
            UInt32(limits.idleSeconds),
            limits.headerBytes,
            { context, connection, _, method, _, body, bodySize, state in
                accept(context, connection, method, body, bodySize, state)
            },
            context,
            { context, target, _ in begin(context, target) },
            { context, _, state, reason in complete(context, state, reason) }
        )
        guard let daemon else {
            close(socket.descriptor)
            Unmanaged.passUnretained(core).release()
            throw LaminaError(.runtimeFailure, code: "http", "libmicrohttpd could not start on \(host):\(socket.port)")
        }
        self.daemon = daemon
        self.core = core
        self.port = socket.port
    }

    /// Takes no more connections, tells running requests to end, waits for them and closes everything.
    ///
    /// - Returns: false when some request did not end in time; its connection is left as it is, for the process to end.
    package func stop(graceMilliseconds: Int64 = 10_000) -> Bool {
        guard !stopped.exchange(true, ordering: .acquiringAndReleasing) else { return true }
        let listener = MHD_quiesce_daemon(daemon)
        if listener >= 0 { close(listener) }
        core.hangUpAll()
        let ended = core.threads.stop(milliseconds: graceMilliseconds)
        core.watch.stop()
        // libmicrohttpd must not be stopped while a connection is suspended.
        if ended {
            MHD_stop_daemon(daemon)
            Unmanaged.passUnretained(core).release()
        }
        return ended
    }

    deinit { _ = stop(graceMilliseconds: 1000) }
}

/// What the callbacks share.
final class ServerCore: Sendable {
    let limits: HTTPLimits
    let handler: @Sendable (HTTPRequest) -> HTTPResponse
    let threads: RequestThreads
    let watch: HangUpWatch
    let bodies: BodyBudget
    private let nextID = Atomic<UInt64>(0)
    private let running = Mutex<[UInt64: Exchange]>([:])

    init(limits: HTTPLimits, handler: @escaping @Sendable (HTTPRequest) -> HTTPResponse) throws(LaminaError) {
        self.limits = limits
        self.handler = handler
        threads = RequestThreads(threadsMax: limits.requestsAtOnce)
        watch = try HangUpWatch()
        bodies = BodyBudget(bytesMax: limits.bodyBytesAtOnce)
    }

    func newExchange(_ target: String) -> Exchange {
        Exchange(id: nextID.wrappingAdd(1, ordering: .relaxed).newValue, target: target)
    }

    func hangUpAll() {
        for exchange in running.withLock({ Array($0.values) }) { exchange.hangUp.signal() }
    }

    /// Gives the request to a thread. Called with the connection already suspended.
    func handOver(_ exchange: Exchange) {
        running.withLock { $0[exchange.id] = exchange }
        let taken = threads.run { [self] in
            respond(to: exchange)
            _ = running.withLock { $0.removeValue(forKey: exchange.id) }
        }
        if !taken {
            _ = running.withLock { $0.removeValue(forKey: exchange.id) }
            exchange.answer(
                errorResponse(LaminaError(.serviceUnavailable, code: "stopping", "The server is stopping"))
            )
        }
    }

    private func respond(to exchange: Exchange) {
        let response = answer(to: exchange)
        bodies.giveBack(exchange.takeCharge())
        guard case .stream(let produce) = response.body else {
            watch.remove(exchange)
            return exchange.answer(response)
        }
        exchange.answer(response)
        do throws(LaminaError) {
            try produce(BodyWriter { exchange.send($0) })
            exchange.finish(failed: false)
        } catch {
            exchange.finish(failed: true)
        }
        watch.remove(exchange)
    }

    private func answer(to exchange: Exchange) -> HTTPResponse {
        do throws(LaminaError) {
            guard let body = try openBody(of: exchange) else { return bodiesBusy() }
            let request = HTTPRequest(
                method: exchange.method,
                target: exchange.target,
                headers: exchange.headers,
                body: body,
                hangUp: exchange.hangUp
            )
            return encoded(handler(request), acceptEncoding: exchange.headers["accept-encoding"])
        } catch {
            return errorResponse(error, status: bodyStatus(of: error))
        }
    }

    /// The exchange's body without its coding; the exchange keeps none. Nil without room to open it.
    private func openBody(of exchange: Exchange) throws(LaminaError) -> [UInt8]? {
        let (raw, coding) = (exchange.body, exchange.headers["content-encoding"])
        exchange.body = []
        guard let coding, !raw.isEmpty else { return raw }
        // How large it gets is known only then.
        guard bodies.take(limits.bodyBytes, milliseconds: 5000) else { return nil }
        var opened: [UInt8] = []
        defer { bodies.giveBack(limits.bodyBytes - opened.count) }
        opened = try openedBody(raw, coding: coding, limit: limits.bodyBytes)
        exchange.addCharge(opened.count)
        return opened
    }

    /// One more piece of a request's body, unless it or all of them become too large.
    func add(_ piece: UnsafeRawBufferPointer, to exchange: Exchange) {
        exchange.bodyTooLarge = exchange.body.count + piece.count > limits.bodyBytes
        exchange.bodyRefused = !exchange.bodyTooLarge && !bodies.take(piece.count)
        if exchange.bodyTooLarge || exchange.bodyRefused {
            exchange.body = []
            return bodies.giveBack(exchange.takeCharge())
        }
        exchange.addCharge(piece.count)
        exchange.body.append(contentsOf: piece)
    }
}
