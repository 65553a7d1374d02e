import LaminaBase

/// User and password out of a `sasl.jaas.config`. Only the two modules that take just these are known: a module names a class that
/// Java loads and runs, and that is what attacks on Druid used.
struct JAASLogin {
    let username: String
    let password: String
    let isScram: Bool

    private static let property = "sasl.jaas.config"

    init(_ text: String) throws(LaminaError) {
        var scanner = Scanner(text)
        switch scanner.word() {
        case "org.apache.kafka.common.security.plain.PlainLoginModule": isScram = false
        case "org.apache.kafka.common.security.scram.ScramLoginModule": isScram = true
        default:
            throw propertyError(
                Self.property,
                "names a login module that is neither PlainLoginModule nor ScramLoginModule"
            )
        }
        guard ["required", "requisite", "sufficient", "optional"].contains(scanner.word().lowercased()) else {
            throw propertyError(Self.property, "must go on with 'required' behind the login module")
        }
        var options: [String: String] = [:]
        while !scanner.takeEnd() {
            let name = scanner.word()
            guard ["username", "password"].contains(name), scanner.take("="), let value = scanner.value(),
                options.updateValue(value, forKey: name) == nil
            else {
                throw propertyError(
                    Self.property,
                    "may hold username=\"…\" and password=\"…\" and must end with a semicolon"
                )
            }
        }
        guard let username = options["username"], let password = options["password"] else {
            throw propertyError(Self.property, "must hold a username and a password")
        }
        self.username = username
        self.password = password
    }

    private struct Scanner {
        private let text: [Character]
        private var place = 0

        init(_ text: String) { self.text = Array(text) }

        private mutating func skipSpace() {
            while place < text.count, text[place].isWhitespace { place += 1 }
        }

        /// Letters, digits and dots; empty when there are none.
        mutating func word() -> String {
            skipSpace()
            let start = place
            while place < text.count, text[place].isLetter || text[place].isNumber || text[place] == "." { place += 1 }
            return String(text[start..<place])
        }

        mutating func take(_ character: Character) -> Bool {
            skipSpace()
            guard place < text.count, text[place] == character else { return false }
            place += 1
            return true
        }

        /// A text in quotes, with backslashes before what is meant as it stands.
        mutating func value() -> String? {
            guard take("\"") else { return nil }
            var value = ""
            while place < text.count, text[place] != "\"" {
                if text[place] == "\\" { place += 1 }
                guard place < text.count else { return nil }
                value.append(text[place])
                place += 1
            }
            return take("\"") ? value : nil
        }

        /// The semicolon, with nothing behind it.
        mutating func takeEnd() -> Bool {
            guard take(";") else { return false }
            skipSpace()
            return place == text.count
        }
    }
}
