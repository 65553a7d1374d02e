import Glibc

/// An operating system thread that runs one closure. Long or blocking work belongs here, never on Swift's cooperative pool.
package struct WorkerThread: Sendable {
    private let handle: pthread_t

    /// Starts at once.
    /// - Parameters:
    ///   - name: shown by `top -H` and debuggers; cut to 15 bytes.
    ///   - stackBytes: deep recursion (parsers, expression trees) needs more than the system's default for threads.
    package init(
        name: String,
        stackBytes: Int = 8 << 20,
        _ body: @escaping @Sendable () -> Void
    ) throws(LaminaError) {
        let box = Unmanaged.passRetained(ThreadBody(name: name, run: body))
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        pthread_attr_setstacksize(&attributes, stackBytes)
        defer { pthread_attr_destroy(&attributes) }
        var thread = pthread_t()
        let code = pthread_create(&thread, &attributes, threadMain, box.toOpaque())
        guard code == 0 else {
            box.release()
            throw .io("start the thread", path: name, errno: code)
        }
        handle = thread
    }

    /// Waits for its end. Call exactly one of `join` and `detach`, once.
    package func join() { pthread_join(handle, nil) }

    /// Lets it end by itself.
    package func detach() { pthread_detach(handle) }
}

private final class ThreadBody: Sendable {
    let name: String
    let run: @Sendable () -> Void

    init(name: String, run: @escaping @Sendable () -> Void) {
        self.name = name
        self.run = run
    }
}

@Sendable
private func threadMain(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let context else { return nil }
    let body = Unmanaged<ThreadBody>.fromOpaque(context).takeRetainedValue()
    nameThread(body.name)
    // Signals belong to the main thread, which waits for them.
    var all = sigset_t()
    sigfillset(&all)
    for fault in [SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT, SIGPROF] { sigdelset(&all, fault) }
    pthread_sigmask(SIG_BLOCK, &all, nil)
    body.run()
    return nil
}

/// `pthread_setname_np` and `prctl` are not imported into Swift; the kernel's file does the same.
private func nameThread(_ name: String) {
    let file = open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
    guard file >= 0 else { return }
    let text = Array(name.utf8.prefix(15))
    _ = write(file, text, text.count)
    close(file)
}
