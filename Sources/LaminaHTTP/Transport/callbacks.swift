import CMicroHTTPD
import Glibc
import LaminaBase

// The functions libmicrohttpd calls. An exchange is retained by its request's `state` pointer from `begin` to `complete`.

/// The first thing of a request: its target as it came, before libmicrohttpd takes it apart.
func begin(_ context: UnsafeMutableRawPointer?, _ target: UnsafePointer<CChar>?) -> UnsafeMutableRawPointer? {
    guard let context, let target else { return nil }
    let core = Unmanaged<ServerCore>.fromOpaque(context).takeUnretainedValue()
    return Unmanaged.passRetained(core.newExchange(String(cString: target))).toOpaque()
}

/// Called with the headers, then with each piece of the body, then without one, and again when a suspended request is resumed.
func accept(
    _ context: UnsafeMutableRawPointer?,
    _ connection: OpaquePointer?,
    _ method: UnsafePointer<CChar>?,
    _ body: UnsafePointer<CChar>?,
    _ bodySize: UnsafeMutablePointer<Int>?,
    _ state: UnsafeMutablePointer<UnsafeMutableRawPointer?>?
) -> MHD_Result {
    guard let context, let connection, let bodySize, let pointer = state?.pointee else { return lamina_mhd_no }
    let core = Unmanaged<ServerCore>.fromOpaque(context).takeUnretainedValue()
    let exchange = Unmanaged<Exchange>.fromOpaque(pointer).takeUnretainedValue()
    if !exchange.headersSeen {
        exchange.headersSeen = true
        exchange.method = method.map { String(cString: $0) } ?? ""
        readHeaders(of: connection, into: exchange)
        if let length = exchange.headers["content-length"].flatMap(Int.init), length > core.limits.bodyBytes {
            // Answered before the body comes: libmicrohttpd closes the connection instead of reading it.
            return queue(tooLarge(core.limits.bodyBytes), for: exchange, on: connection)
        }
        return lamina_mhd_yes
    }
    if bodySize.pointee > 0 {
        if let body, !exchange.bodyTooLarge, !exchange.bodyRefused {
            core.add(UnsafeRawBufferPointer(start: body, count: bodySize.pointee), to: exchange)
        }
        bodySize.pointee = 0
        return lamina_mhd_yes
    }
    if exchange.bodyRefused { return queue(bodiesBusy(), for: exchange, on: connection) }
    if exchange.bodyTooLarge { return queue(tooLarge(core.limits.bodyBytes), for: exchange, on: connection) }
    if let head = exchange.flow.read({ $0.head }) { return queue(head, for: exchange, on: connection) }
    if exchange.handedOver { return lamina_mhd_yes }
    exchange.handedOver = true
    let suspended = SuspendedConnection(connection)
    exchange.flow.update { flow in
        flow.suspended = suspended
        suspended.suspend()
    }
    core.watch.add(exchange, descriptor: lamina_mhd_descriptor(connection))
    core.handOver(exchange)
    return lamina_mhd_yes
}

/// The last thing of a request; the exchange is released.
func complete(
    _ context: UnsafeMutableRawPointer?,
    _ state: UnsafeMutablePointer<UnsafeMutableRawPointer?>?,
    _ reason: MHD_RequestTerminationCode
) {
    guard let context, let pointer = state?.pointee else { return }
    state?.pointee = nil
    let exchange = Unmanaged<Exchange>.fromOpaque(pointer).takeRetainedValue()
    // While the descriptor is still this connection's.
    let core = Unmanaged<ServerCore>.fromOpaque(context).takeUnretainedValue()
    core.watch.remove(exchange)
    core.bodies.giveBack(exchange.takeCharge())
    exchange.completed(normally: reason == lamina_mhd_completed)
}

private func readHeaders(of connection: OpaquePointer, into exchange: Exchange) {
    let target = Unmanaged.passUnretained(exchange).toOpaque()
    MHD_get_connection_values(
        connection,
        lamina_mhd_headers,
        { target, _, name, value in
            guard let target, let name else { return lamina_mhd_yes }
            let exchange = Unmanaged<Exchange>.fromOpaque(target).takeUnretainedValue()
            exchange.headers[String(cString: name).lowercased()] = value.map { String(cString: $0) } ?? ""
            return lamina_mhd_yes
        },
        target
    )
}

private func tooLarge(_ limit: Int) -> HTTPResponse { errorResponse(tooLargeBody(limit), status: 413) }

private func queue(_ answer: HTTPResponse, for exchange: Exchange, on connection: OpaquePointer) -> MHD_Result {
    if exchange.queued { return lamina_mhd_yes }
    exchange.queued = true
    let response: OpaquePointer?
    switch answer.body {
    case .bytes(let bytes):
        response = bytes.withUnsafeBytes { buffer in
            MHD_create_response_from_buffer(
                buffer.count,
                UnsafeMutableRawPointer(mutating: buffer.baseAddress),
                lamina_mhd_copy
            )
        }
    case .stream:
        let pull = BodyPull(exchange: exchange, connection: SuspendedConnection(connection))
        response = MHD_create_response_from_callback(
            lamina_mhd_size_unknown,
            64 << 10,
            { context, _, buffer, room in
                guard let context, let buffer else { return Int(lamina_mhd_failed) }
                let pull = Unmanaged<BodyPull>.fromOpaque(context).takeUnretainedValue()
                return pull.exchange.pull(
                    into: UnsafeMutableRawBufferPointer(start: buffer, count: room),
                    connection: pull.connection
                )
            },
            Unmanaged.passRetained(pull).toOpaque(),
            { context in
                if let context { Unmanaged<BodyPull>.fromOpaque(context).release() }
            }
        )
    }
    guard let response else { return lamina_mhd_no }
    for header in answer.headers { MHD_add_response_header(response, header.name, header.value) }
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff")
    let result = MHD_queue_response(connection, UInt32(answer.status), response)
    MHD_destroy_response(response)
    return result
}

/// What a streamed response's callback needs; lives as long as libmicrohttpd's response.
private final class BodyPull: Sendable {
    let exchange: Exchange
    let connection: SuspendedConnection

    init(exchange: Exchange, connection: SuspendedConnection) {
        self.exchange = exchange
        self.connection = connection
    }
}
