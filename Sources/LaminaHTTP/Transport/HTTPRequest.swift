package import LaminaBase

/// A whole request: its body is in memory, opened if it came compressed.
package struct HTTPRequest: Sendable {
    package var method: String
    /// Segments of the path, percent-decoded one by one; empty ones are dropped, so a trailing slash changes nothing.
    package var path: [String]
    /// The path as it came, for error texts.
    package var rawPath: String
    package var queryItems: [QueryItem]
    /// Names in lower case.
    package var headers: [String: String]
    package var body: [UInt8]
    /// Told when the client is gone before the answer is.
    package var hangUp: HangUp

    package init(
        method: String,
        target: String,
        headers: [String: String] = [:],
        body: [UInt8] = [],
        hangUp: HangUp = HangUp()
    ) {
        self.method = method
        let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        rawPath = String(parts[0])
        path = parts[0].split(separator: "/").map { percentDecoded(String($0), plusIsSpace: false) }
        queryItems = parts.count > 1 ? parseQueryItems(String(parts[1])) : []
        self.headers = headers
        self.body = body
        self.hangUp = hangUp
    }

    /// Whether the key stands in the query string, with or without a value (`?pretty`, `?full`).
    package func has(_ key: String) -> Bool { queryItems.contains { $0.key == key } }

    /// The first value of a key; an empty one for a key without a value.
    package func query(_ key: String) -> String? { queryItems.first { $0.key == key }?.value }

    package func queries(_ key: String) -> [String] { queryItems.filter { $0.key == key }.map(\.value) }

    /// `true`, or the bare key.
    package func flag(_ key: String) -> Bool {
        guard let value = query(key) else { return false }
        return value.isEmpty || value.lowercased() == "true"
    }

    /// The content type without parameters, in lower case; nil when there is none.
    package var mediaType: String? {
        guard let text = headers["content-type"] else { return nil }
        let type = text.prefix { $0 != ";" }.lowercased().filter { $0 != " " }
        return type.isEmpty ? nil : type
    }

    /// The body as JSON.
    package func json() throws(LaminaError) -> JSON { try JSONParser.parse(body) }
}

/// One `key=value` of a query string.
package struct QueryItem: Sendable, Hashable {
    package var key: String
    package var value: String
}

func parseQueryItems(_ text: String) -> [QueryItem] {
    text.split(separator: "&").map { item in
        let parts = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        return QueryItem(
            key: percentDecoded(parts[0], plusIsSpace: true),
            value: parts.count > 1 ? percentDecoded(parts[1], plusIsSpace: true) : ""
        )
    }
}

/// Text with `%41` read as bytes of UTF-8; what is no such escape stays as it is, broken UTF-8 becomes U+FFFD.
func percentDecoded(_ text: String, plusIsSpace: Bool) -> String {
    let bytes = Array(text.utf8)
    guard bytes.contains(where: { $0 == UInt8(ascii: "%") || (plusIsSpace && $0 == UInt8(ascii: "+")) }) else {
        return text
    }
    var decoded: [UInt8] = []
    var index = 0
    while index < bytes.count {
        if bytes[index] == UInt8(ascii: "%"), index + 2 < bytes.count, let high = hexDigit(bytes[index + 1]),
            let low = hexDigit(bytes[index + 2])
        {
            decoded.append(high << 4 | low)
            index += 3
        } else {
            decoded.append(plusIsSpace && bytes[index] == UInt8(ascii: "+") ? UInt8(ascii: " ") : bytes[index])
            index += 1
        }
    }
    return String(decoding: decoded, as: UTF8.self)
}

private func hexDigit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
}
