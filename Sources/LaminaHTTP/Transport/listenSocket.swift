import Glibc
import LaminaBase

/// A bound, listening TCP socket. Errors say which address and why.
/// - Parameter port: 0 lets the system choose.
func listenSocket(host: String, port: Int) throws(LaminaError) -> (descriptor: Int32, port: Int) {
    var hints = addrinfo()
    hints.ai_family = AF_UNSPEC
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV
    var list: UnsafeMutablePointer<addrinfo>?
    let code = getaddrinfo(host, String(port), &hints, &list)
    guard code == 0, let first = list else {
        throw .invalidInput("Cannot listen on '\(host)': \(String(cString: gai_strerror(code)))")
    }
    defer { freeaddrinfo(list) }
    let descriptor = socket(
        first.pointee.ai_family,
        Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue),
        0
    )
    guard descriptor >= 0 else { throw .io("open a socket for", path: host, errno: errno) }
    var on: Int32 = 1
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
    guard bind(descriptor, first.pointee.ai_addr, first.pointee.ai_addrlen) == 0, listen(descriptor, 1024) == 0 else {
        let reason = errno
        close(descriptor)
        throw .io("listen on", path: "\(host):\(port)", errno: reason)
    }
    return (descriptor, boundPort(descriptor) ?? port)
}

private func boundPort(_ descriptor: Int32) -> Int? {
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    return withUnsafeMutableBytes(of: &storage) { bytes -> Int? in
        guard let address = bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self),
            getsockname(descriptor, address, &length) == 0
        else { return nil }
        // The port stands at the same place, in network order, for IPv4 and IPv6.
        return Int(bytes[2]) << 8 | Int(bytes[3])
    }
}
