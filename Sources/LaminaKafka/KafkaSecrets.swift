import Glibc
import LaminaBase

/// What properties may take from outside of the spec: files of one folder, and variables made for it. Errors name the property,
/// never what it holds.
struct KafkaSecrets: Sendable {
    static let variablePrefix = "LAMINA_SECRET_"

    let folder: String?
    let environment: @Sendable (String) -> String?

    /// A variable's value. Others than those with the prefix are refused, for a spec could read any secret of the server so.
    func variable(_ name: String, for property: String) throws(LaminaError) -> String {
        guard name.hasPrefix(Self.variablePrefix) else {
            throw propertyError(
                property,
                "reads an environment variable whose name does not begin with \(Self.variablePrefix)"
            )
        }
        guard let value = environment(name) else {
            throw propertyError(property, "reads the environment variable \(name), which is not set")
        }
        return value
    }

    /// The real path of a file, which must lie in the folder.
    func file(_ path: String, for property: String) throws(LaminaError) -> String {
        guard let folder else {
            throw propertyError(property, "names a file, but the server has no folder for secrets")
        }
        guard let root = resolved(folder), let file = resolved(path.hasPrefix("/") ? path : "\(folder)/\(path)"),
            file.hasPrefix(root + "/")
        else {
            throw propertyError(property, "must name a file in the server's folder for secrets")
        }
        return file
    }

    private func resolved(_ path: String) -> String? {
        guard !path.utf8.contains(0), let real = realpath(path, nil) else { return nil }
        defer { free(real) }
        return String(cString: real)
    }
}

/// - Parameter problem: goes on from the property's name; holds nothing of its value.
func propertyError(_ property: String, _ problem: String) -> LaminaError {
    .invalidInput("consumerProperties: '\(property)' \(problem)", context: ["property": property])
}
