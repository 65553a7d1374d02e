import Glibc

/// A socket that speaks HTTP by hand, so that tests see every byte and can hang up at will.
final class TestClient {
    private let descriptor: Int32
    private var buffer: [UInt8] = []

    init?(port: Int) {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(port).bigEndian)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        var limit = timeval(tv_sec: 20, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        if connected != 0 { return nil }
    }

    deinit { close(descriptor) }

    func hangUp() { shutdown(descriptor, Int32(SHUT_RDWR)) }

    func send(_ bytes: [UInt8]) {
        var done = 0
        while done < bytes.count {
            let count = bytes[done...].withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count <= 0 { return }
            done += count
        }
    }

    func send(_ text: String) { send(Array(text.utf8)) }

    /// Sends a request with a `Content-Length` when it has a body.
    func request(_ method: String, _ target: String, headers: [String] = [], body: [UInt8] = []) -> TestAnswer? {
        var head = "\(method) \(target) HTTP/1.1\r\nHost: localhost\r\n" + headers.map { $0 + "\r\n" }.joined()
        if !body.isEmpty { head += "Content-Length: \(body.count)\r\n" }
        send(Array((head + "\r\n").utf8) + body)
        return answer(hasBody: method != "HEAD")
    }

    private func fill() -> Bool {
        var piece = [UInt8](repeating: 0, count: 64 << 10)
        let count = recv(descriptor, &piece, piece.count, 0)
        guard count > 0 else { return false }
        buffer.append(contentsOf: piece[..<count])
        return true
    }

    /// Bytes up to and without a line's end.
    private func line() -> String? {
        while true {
            if let end = buffer.indices.dropLast().first(where: { buffer[$0] == 13 && buffer[$0 + 1] == 10 }) {
                defer { buffer.removeFirst(end + 2) }
                return String(decoding: buffer[..<end], as: UTF8.self)
            }
            if !fill() { return nil }
        }
    }

    private func take(_ count: Int) -> [UInt8]? {
        while buffer.count < count { if !fill() { return nil } }
        defer { buffer.removeFirst(count) }
        return Array(buffer[..<count])
    }

    func answer(hasBody: Bool = true) -> TestAnswer? {
        guard let status = line() else { return nil }
        var answer = TestAnswer(status: Int(status.split(separator: " ").dropFirst().first ?? "") ?? 0)
        while let header = line(), !header.isEmpty {
            let parts = header.split(separator: ":", maxSplits: 1)
            answer.headers[parts[0].lowercased()] = parts.count > 1 ? String(parts[1].drop { $0 == " " }) : ""
        }
        if answer.status == 100 { return self.answer(hasBody: hasBody) }
        guard hasBody else { return answer }
        if let length = answer.headers["content-length"].flatMap(Int.init) {
            guard let body = take(length) else { return nil }
            answer.body = body
        } else if answer.headers["transfer-encoding"] == "chunked" {
            while true {
                guard let size = line().flatMap({ Int($0, radix: 16) }), let piece = take(size), line() != nil else {
                    answer.complete = false
                    return answer
                }
                if size == 0 { break }
                answer.body += piece
            }
        }
        return answer
    }
}

struct TestAnswer {
    var status: Int
    var headers: [String: String] = [:]
    var body: [UInt8] = []
    /// Whether the framing of the body came to its proper end.
    var complete = true

    var text: String { String(decoding: body, as: UTF8.self) }
}
