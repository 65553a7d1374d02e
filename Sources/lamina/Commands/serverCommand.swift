import Glibc
import LaminaBase
import LaminaHTTP
import LaminaTasks

let serverCommand = Command(
    name: "server",
    summary: "Serve a data directory over HTTP",
    discussion: """
        All of Druid's services answer on one port: queries, tasks, coordinator and look-ups. SIGTERM or Ctrl-C stops it cleanly: \
        running tasks end as FAILED and can be submitted again. There is no authentication yet, so listen beyond this machine only \
        where everybody who can reach the port may do everything.
        """,
    options: [
        Option(
            name: "data",
            value: "DIR",
            help: "The data directory, made if missing (default \(Node.defaultDirectory))"
        ),
        Option(name: "host", value: "HOST", help: "The address to listen on (default 127.0.0.1)"),
        Option(name: "port", value: "PORT", help: "The port, 0 for any free one (default 8888)"),
        Option(
            name: "input-root",
            value: "DIR",
            help: "Tasks may read local files only under DIR, and http inputs not at all"
        ),
    ],
    examples: ["lamina server", "lamina server --data /var/lib/lamina --port 8082"],
    body: { arguments in
        let port = try arguments.int("port", in: 0...65535, default: 8888)
        return try serve(
            directory: arguments.string("data") ?? Node.defaultDirectory,
            host: arguments.string("host") ?? "127.0.0.1",
            port: port,
            inputRoot: arguments.string("input-root")
        )
    }
)

private func serve(directory: String, host: String, port: Int, inputRoot: String?) throws(LaminaError) -> Int32 {
    let started = monotonicSeconds()
    // Blocked here, before any thread starts, so that all inherit it; the main thread waits for them below.
    var signals = sigset_t()
    sigemptyset(&signals)
    for number in [SIGTERM, SIGINT] { sigaddset(&signals, number) }
    pthread_sigmask(SIG_BLOCK, &signals, nil)
    raiseFileLimit()

    var options = TaskService.Options()
    options.inputRoot = inputRoot
    options.port = port
    let node = try Node(directory, options: options, supervises: true)
    let server: HTTPServer
    do throws(LaminaError) {
        let router = LateRouter()
        server = try HTTPServer(host: host, port: port) { router.respond(to: $0) }
        router.set(node.services(host: "localhost", port: server.port).makeRouter())
    } catch {
        node.close()
        throw error
    }
    let shown = host.contains(":") ? "[\(host)]" : host
    let seconds = Double(Int((monotonicSeconds() - started) * 1000)) / 1000
    say(
        "Lamina listens on http://\(shown):\(server.port) (data in \(node.view.directory.root), pid \(getpid()), ready in \(seconds) s)\n"
    )
    if !["127.0.0.1", "::1", "localhost"].contains(host) {
        complain("lamina: listening on \(host) without authentication: whoever reaches this port may do everything\n")
    }

    var received: Int32 = 0
    sigwait(&signals, &received)
    complain("lamina: stopping\n")
    // A second signal ends it at once.
    pthread_sigmask(SIG_UNBLOCK, &signals, nil)
    let ended = server.stop()
    node.close()
    return ended ? 0 : 1
}

/// 10,000 mapped segments and as many connections need more descriptors than the customary 1,024.
private func raiseFileLimit() {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
    limit.rlim_cur = limit.rlim_max
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
}
