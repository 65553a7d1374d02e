import Glibc
import LaminaBase
import LaminaHTTPClient

/// The `http` input source.
struct HTTPSource: Sendable {
    private let requests: [HTTPRequest]

    init(_ fields: SpecFields) throws(LaminaError) {
        var requests: [HTTPRequest] = []
        let user = try fields.string("httpAuthenticationUsername")
        let password = try Self.password(fields)
        var headers: [(name: String, value: String)] = []
        if let given = fields["requestHeaders"], !given.isNull {
            guard let object = given.objectValue else { throw fields.error("requestHeaders", "must be an object") }
            for (name, value) in object.entries {
                guard let text = value.stringValue else {
                    throw fields.error("requestHeaders.\(name)", "must be a string")
                }
                headers.append((name, text))
            }
        }
        for uri in try fields.strings("uris") {
            let scheme = uri.prefix { $0 != ":" }.lowercased()
            guard scheme == "http" || scheme == "https" else {
                throw fields.error("uris", "allows the protocols http and https only: \(uri)")
            }
            var request = HTTPRequest(.get, uri, headers: headers)
            request.user = user
            request.password = password
            request.stallTimeout = 120
            requests.append(request)
        }
        guard !requests.isEmpty else { throw fields.error("uris", "must name at least one address") }
        try fields.refuseSystemFields()
        self.requests = requests
    }

    /// A plain string, or a password provider: `{"type":"default","password":…}`, `{"type":"environment","variable":…}`.
    private static func password(_ fields: SpecFields) throws(LaminaError) -> String? {
        guard let given = fields["httpAuthenticationPassword"], !given.isNull else { return nil }
        if let text = given.stringValue { return text }
        let provider = try SpecFields(given, path: "\(fields.path).httpAuthenticationPassword")
        switch try provider.type(known: ["default", "environment"], unsupported: []) {
        case "environment":
            guard let variable = try provider.string("variable") else { throw provider.missing("variable") }
            return getenv(variable).map { String(cString: $0) }
        default: return try provider.string("password")
        }
    }

    func entities(root: String?) throws(LaminaError) -> [InputEntity] {
        if root != nil {
            throw LaminaError(.forbidden, code: "forbidden", "The http input source is not allowed beside --input-root")
        }
        return requests.map { request in
            let path = request.url.prefix { $0 != "?" && $0 != "#" }
            return InputEntity(uri: request.url, name: String(path), size: nil, origin: .http(request))
        }
    }
}
