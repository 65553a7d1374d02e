import CMicroHTTPD
import Glibc
import LaminaBase
import Synchronization

/// Watches the descriptors of requests that are being answered: libmicrohttpd does not look at a suspended connection.
final class HangUpWatch: Sendable {
    private struct Watched {
        var descriptor: Int32
        var hangUp: HangUp
    }

    private let epoll: Int32
    /// The thread ends when the writing end is closed.
    private let stopReader: Int32
    private let stopWriter: Int32
    private let watched = Mutex<[UInt64: Watched]>([:])
    private static let stopID = UInt64.max

    init() throws(LaminaError) {
        var ends: [Int32] = [-1, -1]
        epoll = lamina_watch_create()
        guard epoll >= 0, pipe(&ends) == 0 else { throw .io("watch", path: "connections", errno: errno) }
        (stopReader, stopWriter) = (ends[0], ends[1])
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        _ = lamina_watch_add(epoll, stopReader, Self.stopID)
        try WorkerThread(name: "hang-up watch") { [self] in run() }.detach()
    }

    func add(_ exchange: Exchange, descriptor: Int32) {
        guard descriptor >= 0 else { return }
        watched.withLock { watched in
            watched[exchange.id] = Watched(descriptor: descriptor, hangUp: exchange.hangUp)
            _ = lamina_watch_add(epoll, descriptor, exchange.id)
        }
    }

    /// Called when the answer is complete or the connection about to be closed, whichever comes first.
    func remove(_ exchange: Exchange) {
        watched.withLock { watched in
            guard let entry = watched.removeValue(forKey: exchange.id) else { return }
            _ = lamina_watch_remove(epoll, entry.descriptor)
        }
    }

    /// Call once.
    func stop() { close(stopWriter) }

    private func run() {
        var ids = [UInt64](repeating: 0, count: 64)
        while true {
            let count = lamina_watch_wait(epoll, &ids)
            if count < 0 || ids[..<Int(count)].contains(Self.stopID) { break }
            for id in ids[..<Int(count)] { watched.withLock { $0[id]?.hangUp }?.signal() }
        }
        close(epoll)
        close(stopReader)
    }
}
