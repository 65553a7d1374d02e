import CCurl
import LaminaBase

/// One libcurl easy handle in its own multi handle: a transfer that runs only while somebody waits for it, so that the reader's
/// pace holds the sender back. Used by one thread at a time.
final class HTTPTransfer {
    /// Received bytes wait here; beyond this the transfer pauses.
    static let bufferMax = 1 << 20

    private let easy: CurlHandles
    private let request: HTTPRequest
    private var headerList: UnsafeMutablePointer<curl_slist>?
    private(set) var headers: [(name: String, value: String)] = []
    private(set) var buffer: [UInt8] = []
    private var position = 0
    private var isPaused = false
    private(set) var isDone = false
    private var failure: LaminaError?

    init(_ request: HTTPRequest) throws(LaminaError) {
        self.request = request
        _ = curlIsReady
        guard let easy = CurlHandles() else { throw .resourceLimit("No memory for an HTTP request") }
        self.easy = easy
        configure()
        guard curl_multi_add_handle(easy.multi, easy.handle) == CURLM_OK else {
            throw .resourceLimit("libcurl refused the request")
        }
    }

    deinit {
        curl_multi_remove_handle(easy.multi, easy.handle)
        curl_slist_free_all(headerList)
    }

    private func configure() {
        let handle = easy.handle
        func set(_ option: CURLoption, _ value: Int) { _ = lamina_curl_set_long(handle, option, value) }
        func set(_ option: CURLoption, _ value: String) { _ = lamina_curl_set_text(handle, option, value) }
        set(CURLOPT_URL, request.url)
        // Never another protocol, whatever the address or a redirect says: `file:` would read the disk.
        set(CURLOPT_PROTOCOLS_STR, "http,https")
        set(CURLOPT_REDIR_PROTOCOLS_STR, "http,https")
        set(CURLOPT_NOSIGNAL, 1)
        set(CURLOPT_USERAGENT, "lamina")
        set(CURLOPT_FOLLOWLOCATION, request.followsRedirects ? 1 : 0)
        set(CURLOPT_MAXREDIRS, 10)
        set(CURLOPT_CONNECTTIMEOUT, request.connectTimeout)
        set(CURLOPT_TIMEOUT, request.timeout)
        if request.stallTimeout > 0 {
            set(CURLOPT_LOW_SPEED_LIMIT, 1)
            set(CURLOPT_LOW_SPEED_TIME, request.stallTimeout)
        }
        if let user = request.user {
            set(CURLOPT_USERNAME, user)
            set(CURLOPT_PASSWORD, request.password ?? "")
        }
        if request.method == .head { set(CURLOPT_NOBODY, 1) }
        if let body = request.body {
            _ = lamina_curl_set_offset(handle, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(body.count))
            _ = body.withUnsafeBytes { lamina_curl_set_pointer(handle, CURLOPT_COPYPOSTFIELDS, $0.baseAddress) }
            if body.isEmpty { set(CURLOPT_COPYPOSTFIELDS, "") }
        } else if request.method == .post || request.method == .put {
            set(CURLOPT_COPYPOSTFIELDS, "")
        }
        if request.method != .head { set(CURLOPT_CUSTOMREQUEST, request.method.rawValue) }
        for header in request.headers { headerList = curl_slist_append(headerList, "\(header.name): \(header.value)") }
        // libcurl's own: a form type, and a pause before large bodies.
        if !request.headers.contains(where: { $0.name.lowercased() == "expect" }) {
            headerList = curl_slist_append(headerList, "Expect:")
        }
        _ = lamina_curl_set_pointer(handle, CURLOPT_HTTPHEADER, headerList)
        let context = Unmanaged.passUnretained(self).toOpaque()
        _ = lamina_curl_set_callback(handle, CURLOPT_WRITEFUNCTION, receiveBody)
        _ = lamina_curl_set_pointer(handle, CURLOPT_WRITEDATA, context)
        _ = lamina_curl_set_callback(handle, CURLOPT_HEADERFUNCTION, receiveHeader)
        _ = lamina_curl_set_pointer(handle, CURLOPT_HEADERDATA, context)
    }

    /// The status of the answer; 0 before it came.
    var status: Int {
        var status = 0
        _ = lamina_curl_get_status(easy.handle, &status)
        return status
    }

    /// Runs the transfer until there are bytes to take or it is done.
    func wait() throws(LaminaError) {
        if isPaused, position == buffer.count {
            isPaused = false
            curl_easy_pause(easy.handle, CURLPAUSE_CONT)
        }
        while position == buffer.count, !isDone {
            var running: Int32 = 0
            guard curl_multi_perform(easy.multi, &running) == CURLM_OK else {
                throw LaminaError(.runtimeFailure, code: "http", "libcurl failed while asking \(request.url)")
            }
            if running == 0 {
                finish()
            } else if position == buffer.count {
                curl_multi_poll(easy.multi, nil, 0, 1000, nil)
            }
        }
        if position == buffer.count, let failure { throw failure }
    }

    private func finish() {
        isDone = true
        var left: Int32 = 0
        while let message = curl_multi_info_read(easy.multi, &left) {
            guard message.pointee.msg == CURLMSG_DONE, message.pointee.data.result != CURLE_OK else { continue }
            let text = String(cString: curl_easy_strerror(message.pointee.data.result))
            let isTimeout = message.pointee.data.result == CURLE_OPERATION_TIMEDOUT
            failure = LaminaError(
                isTimeout ? .timeout : .runtimeFailure,
                code: "http",
                "\(request.method.rawValue) \(request.url) failed: \(text)",
                context: ["url": request.url]
            )
        }
    }

    /// Hands over waiting bytes.
    func take(into target: UnsafeMutableRawBufferPointer) -> Int {
        let count = min(target.count, buffer.count - position)
        if count > 0 { target.copyBytes(from: buffer[position..<position + count]) }
        position += count
        if position == buffer.count {
            buffer.removeAll(keepingCapacity: true)
            position = 0
        }
        return count
    }

    fileprivate func receive(_ bytes: UnsafeRawBufferPointer) -> Int {
        if buffer.count - position >= Self.bufferMax {
            isPaused = true
            return Int(CURL_WRITEFUNC_PAUSE)
        }
        buffer.append(contentsOf: bytes)
        return bytes.count
    }

    fileprivate func receiveHeaderLine(_ line: String) {
        // A redirect or an interim answer starts over.
        if line.hasPrefix("HTTP/") { headers = [] }
        guard let colon = line.firstIndex(of: ":") else { return }
        let value = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
        headers.append((String(line[..<colon]), String(value)))
    }
}

/// The two handles of a transfer, freed together.
final class CurlHandles {
    let handle: UnsafeMutableRawPointer
    let multi: UnsafeMutableRawPointer

    init?() {
        guard let handle = curl_easy_init() else { return nil }
        guard let multi = curl_multi_init() else {
            curl_easy_cleanup(handle)
            return nil
        }
        self.handle = handle
        self.multi = multi
    }

    deinit {
        curl_easy_cleanup(handle)
        curl_multi_cleanup(multi)
    }
}

/// libcurl's global state, set up once.
private let curlIsReady: Bool = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK

private func receiveBody(
    _ bytes: UnsafeMutablePointer<CChar>?,
    _ size: Int,
    _ count: Int,
    _ context: UnsafeMutableRawPointer?
) -> Int {
    guard let bytes, let context else { return 0 }
    let transfer = Unmanaged<HTTPTransfer>.fromOpaque(context).takeUnretainedValue()
    return transfer.receive(UnsafeRawBufferPointer(start: bytes, count: size * count))
}

private func receiveHeader(
    _ bytes: UnsafeMutablePointer<CChar>?,
    _ size: Int,
    _ count: Int,
    _ context: UnsafeMutableRawPointer?
) -> Int {
    guard let bytes, let context else { return 0 }
    let transfer = Unmanaged<HTTPTransfer>.fromOpaque(context).takeUnretainedValue()
    var line = String(decoding: UnsafeRawBufferPointer(start: bytes, count: size * count), as: UTF8.self)
    while line.last?.isNewline == true { line.removeLast() }
    transfer.receiveHeaderLine(line)
    return size * count
}
