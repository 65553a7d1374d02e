/// Rewrites the parts of Java's regular expression syntax that PCRE2 spells differently: `\uXXXX`, the POSIX classes
/// `\p{Alpha}` and the like, `\p{IsLatin}`, `\h` needs nothing. Everything else passes through.
/// Source: `java.util.regex.Pattern`, "Summary of regular-expression constructs".
func translateJavaPattern(_ pattern: String) -> String {
    guard pattern.utf8.contains(UInt8(ascii: "\\")) else { return pattern }
    var result = ""
    var rest = Substring(pattern)
    var classDepth = 0
    while let character = rest.popFirst() {
        guard character == "\\" else {
            if character == "[" { classDepth += 1 }
            if character == "]", classDepth > 0 { classDepth -= 1 }
            result.append(character)
            continue
        }
        guard let kind = rest.popFirst() else {
            result.append("\\")
            break
        }
        switch kind {
        case "Q":
            // Quoted text passes as it is, up to \E.
            let end = quoteEnd(rest)
            result += "\\Q" + rest[..<end]
            rest = rest[end...]
        case "u" where rest.prefix(4).utf8.count == 4 && rest.prefix(4).allSatisfy(\.isHexDigit):
            result += "\\x{" + rest.prefix(4) + "}"
            rest = rest.dropFirst(4)
        case "p", "P":
            guard rest.first == "{", let close = rest.firstIndex(of: "}") else {
                result += "\\" + String(kind)
                continue
            }
            let name = String(rest[rest.index(after: rest.startIndex)..<close])
            rest = rest[rest.index(after: close)...]
            result += property(name, negated: kind == "P", insideClass: classDepth > 0)
        default:
            result.append("\\")
            result.append(kind)
        }
    }
    return result
}

private func quoteEnd(_ text: Substring) -> Substring.Index {
    var index = text.startIndex
    while index < text.endIndex {
        if text[index...].hasPrefix("\\E") { return index }
        index = text.index(after: index)
    }
    return index
}

private let posixClasses: [String: String] = [
    "Lower": "lower", "Upper": "upper", "ASCII": "ascii", "Alpha": "alpha", "Digit": "digit", "Alnum": "alnum",
    "Punct": "punct", "Graph": "graph", "Print": "print", "Blank": "blank", "Cntrl": "cntrl", "XDigit": "xdigit",
    "Space": "space", "javaLowerCase": "lower", "javaUpperCase": "upper", "javaWhitespace": "space",
]

private func property(_ name: String, negated: Bool, insideClass: Bool) -> String {
    if let posix = posixClasses[name] {
        let set = "[:\(negated ? "^" : "")\(posix):]"
        return insideClass ? set : "[\(set)]"
    }
    var plain = Substring(name)
    if plain.hasPrefix("Is") { plain = plain.dropFirst(2) }
    for prefix in ["script=", "sc=", "general_category=", "gc="] where plain.hasPrefix(prefix) {
        plain = plain.dropFirst(prefix.count)
    }
    if plain == "Alphabetic" { plain = "L" }
    return "\\\(negated ? "P" : "p"){\(plain)}"
}
