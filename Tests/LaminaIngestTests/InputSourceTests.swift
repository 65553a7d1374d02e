import Glibc
import LaminaBase
import LaminaCompression
import LaminaIngest
import Synchronization
import Testing

/// A new file under a new temporary folder; the system clears it away.
func temporaryFile(_ bytes: [UInt8], name: String = "rows.txt", in folder: String? = nil) throws -> String {
    let directory = try folder ?? temporaryFolder()
    let path = "\(directory)/\(name)"
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    try #require(descriptor >= 0)
    defer { close(descriptor) }
    var written = 0
    while written < bytes.count {
        let count = bytes.withUnsafeBytes {
            write(descriptor, $0.baseAddress.map { $0 + written }, bytes.count - written)
        }
        try #require(count > 0)
        written += count
    }
    return path
}

func temporaryFolder() throws -> String {
    var template = Array("/tmp/lamina-ingest-XXXXXX".utf8CString)
    let made = template.withUnsafeMutableBufferPointer { buffer in
        buffer.baseAddress.flatMap { mkdtemp($0) }.map { String(cString: $0) }
    }
    return try #require(made)
}

@Suite struct InputSourceTests {
    private static let lines: JSON = ["type": "tsv", "columns": ["a"]]

    @Test func foldersWithWildcards() throws {
        let folder = try temporaryFolder()
        mkdir("\(folder)/sub", 0o700)
        _ = try temporaryFile(Array("2\n".utf8), name: "b-1.txt", in: folder)
        _ = try temporaryFile(Array("1\n".utf8), name: "a-1.txt", in: folder)
        _ = try temporaryFile(Array("3\n".utf8), name: "c-12.txt", in: folder)
        _ = try temporaryFile(Array("4\n".utf8), name: "d-1.txt", in: "\(folder)/sub")
        _ = try temporaryFile([], name: "e-1.txt", in: folder)
        func read(_ filter: String) throws -> [JSON?] {
            let source: JSON = ["type": "local", "baseDir": .string(folder), "filter": .string(filter)]
            return try ReadRows(source: source, format: Self.lines).rows.map { $0["a"] }
        }
        #expect(try read("*-1.txt") == ["1", "2", "4"])
        #expect(try read("?-1*.txt") == ["1", "2", "3", "4"])
        #expect(try read("*") == ["1", "2", "3", "4"])
        #expect(try read("*.json") == [])
        let missing: JSON = ["type": "local", "baseDir": .string(folder + "/none"), "filter": "*"]
        #expect(try ReadRows(source: missing, format: Self.lines).rows.isEmpty)
    }

    @Test func filesAndTheirRoot() throws {
        let folder = try temporaryFolder()
        let inside = try temporaryFile(Array("in\n".utf8), in: folder)
        let outside = try temporaryFile(Array("out\n".utf8))
        let link = "\(folder)/link.txt"
        symlink(outside, link)
        func read(_ path: String) throws(LaminaError) -> [JSON?] {
            let source: JSON = ["type": "local", "files": [.string(path)]]
            return try ReadRows(source: source, format: Self.lines, inputRoot: folder).rows.map { $0["a"] }
        }
        #expect(try read(inside) == ["in"])
        #expect(try read(folder + "/gone.txt").isEmpty)
        for path in [outside, link, "\(folder)/../\(outside.split(separator: "/").dropFirst().joined(separator: "/"))"]
        {
            let error = #expect(throws: LaminaError.self) { try read(path) }
            #expect(error?.category == .forbidden)
        }
        let http: JSON = ["type": "http", "uris": ["http://127.0.0.1:1/x"]]
        let error = #expect(throws: LaminaError.self) {
            try ReadRows(source: http, format: Self.lines, inputRoot: folder)
        }
        #expect(error?.category == .forbidden)
    }

    @Test func combinedAndCompressed() throws {
        let packed = try gzipCompress(Array("x\ny\n".utf8))
        let path = try temporaryFile(packed, name: "rows.gz")
        let source: JSON = [
            "type": "combining",
            "delegates": [["type": "inline", "data": "w"], ["type": "local", "files": [.string(path)]]],
        ]
        #expect(try ReadRows(source: source, format: Self.lines).rows == [["a": "w"], ["a": "x"], ["a": "y"]])
        let cut = try temporaryFile(Array(packed.dropLast(6)), name: "cut.gz")
        #expect(throws: LaminaError.self) {
            try ReadRows(source: ["type": "local", "files": [.string(cut)]], format: Self.lines)
        }
    }

    @Test func specsThatAreWrong() {
        let wrong: [JSON] = [
            [:], ["type": "nowhere"], ["type": "local"], ["type": "local", "baseDir": "/tmp"], ["type": "inline"],
            ["type": "http", "uris": []], ["type": "http", "uris": ["file:///etc/passwd"]], ["type": "combining"],
            ["type": "local", "files": "x"], 7,
        ]
        for spec in wrong {
            let error = #expect(throws: LaminaError.self) { try InputSource(json: spec, path: "inputSource") }
            #expect(error?.category == .invalidInput)
        }
        let error = #expect(throws: LaminaError.self) { try InputSource(json: ["type": "s3"], path: "inputSource") }
        #expect(error?.category == .unsupported)
    }

    /// Many chunks of several files, asked for by three threads: nothing lost, nothing twice, order and numbers restored.
    @Test(arguments: ["csv", "json"])
    func manyThreadsKeepTheOrder(type: String) throws {
        let folder = try temporaryFolder()
        var number = 0
        for file in 0..<3 {
            var text = type == "csv" ? "n,text\n" : ""
            for _ in 0..<40_000 {
                text += type == "csv" ? "\(number),some text here\n" : "{\"n\":\(number),\"text\":\"some text here\"}\n"
                number += 1
            }
            if type == "json" {
                text += "broken line\n{\"n\":\(number),\"text\":\"last\"}\n"
            } else {
                text += "\(number),last"
            }
            number += 1
            _ = try temporaryFile(Array(text.utf8), name: "f\(file).txt", in: folder)
        }
        let format: JSON = type == "csv" ? ["type": "csv", "findColumnsFromHeader": true] : ["type": "json"]
        let rows = try openRows(
            try InputSource(json: ["type": "local", "baseDir": .string(folder), "filter": "*"], path: "inputSource"),
            try InputFormat(json: format, path: "inputFormat"),
            RowSourceOptions()
        )
        let collected = Mutex<[RowBatch]>([])
        let threads = try (0..<3).map { index in
            try WorkerThread(name: "parse-\(index)") {
                while let batch = try? rows.nextBatch() { collected.withLock { $0.append(batch) } }
            }
        }
        for thread in threads { thread.join() }
        let batches = collected.withLock { $0.sorted { $0.sequence < $1.sequence } }
        #expect(batches.map(\.sequence) == Array(0..<batches.count))
        #expect(batches.count >= 6)
        let read = ReadRows(batches: batches)
        let numbers = read.rows.map { type == "csv" ? $0["n"]?.stringValue.flatMap { Int64($0) } : $0["n"]?.intValue }
        #expect(numbers == (0..<Int64(number)).map { $0 })
        var expectedRecord = 1
        for (previous, batch) in zip([nil] + batches.map(Optional.some), batches) {
            if previous?.path != batch.path { expectedRecord = 1 }
            #expect(batch.firstRecord == expectedRecord)
            expectedRecord += batch.rowCount
        }
        if type == "json" {
            #expect(read.bad.count == 3)
            for (file, record) in read.bad.enumerated() {
                let position = "(Path: file:\(folder)/f\(file).txt, Record: 40001, Line: 40001)"
                #expect(record.message == "Unable to parse row [broken line] \(position)")
            }
        }
    }
}

/// Answers one HTTP request on a free loopback port with a fixed body.
private func serveOnce(_ body: [UInt8], onRequest: @escaping @Sendable (String) -> Void) throws -> UInt16 {
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isBound = withUnsafeMutablePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
            bind(listener, raw, length) == 0 && listen(listener, 1) == 0 && getsockname(listener, raw, &length) == 0
        }
    }
    try #require(isBound)
    let answer = Array("HTTP/1.1 200 OK\r\nContent-Length: \(body.count)\r\nConnection: close\r\n\r\n".utf8) + body
    let thread = try WorkerThread(name: "serve-once") {
        let connection = accept(listener, nil, nil)
        var piece = [UInt8](repeating: 0, count: 8192)
        let count = recv(connection, &piece, piece.count, 0)
        onRequest(String(decoding: piece[..<max(0, count)], as: UTF8.self))
        _ = answer.withUnsafeBytes { send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
        close(connection)
        close(listener)
    }
    thread.detach()
    return UInt16(bigEndian: address.sin_port)
}

@Suite struct HTTPSourceTests {
    @Test func bodiesAreOpenedByTheAddress() throws {
        let body = try gzipCompress(Array("{\"x\":1}\n{\"x\":2}\nbad".utf8))
        let port = try serveOnce(body) {
            #expect($0.hasPrefix("GET /rows.json.gz?k=v HTTP/1.1\r\n"))
            #expect($0.contains("Authorization: Basic dTpw\r\n"))
            #expect($0.contains("X-Own: yes\r\n"))
        }
        let uri = "http://127.0.0.1:\(port)/rows.json.gz?k=v"
        let source: JSON = [
            "type": "http", "uris": [.string(uri)], "httpAuthenticationUsername": "u",
            "httpAuthenticationPassword": ["type": "default", "password": "p"], "requestHeaders": ["X-Own": "yes"],
        ]
        let read = try ReadRows(source: source, format: ["type": "json"])
        #expect(read.rows == [["x": 1], ["x": 2]])
        #expect(read.bad.map(\.message) == ["Unable to parse row [bad] (Path: \(uri), Record: 3, Line: 3)"])
        #expect(throws: LaminaError.self) {
            try ReadRows(source: ["type": "http", "uris": ["http://127.0.0.1:1/x"]], format: ["type": "json"])
        }
    }
}
