import Foundation
import LaminaBase
import LaminaIngest
import LaminaKafka
import Testing

@Suite struct KafkaPropertyTests {
    private func open(
        _ properties: JSONObject,
        folder: String? = nil,
        environment: [String: String] = [:]
    ) throws(LaminaError) -> any StreamSource {
        var all: JSONObject = ["bootstrap.servers": "127.0.0.1:9"]
        for (name, value) in properties.entries { all[name] = value }
        let connector = KafkaConnector(secretsFolder: folder, environment: { environment[$0] })
        return try connector.open(topic: "t", isPattern: false, properties: all, keepsKeys: false)
    }

    private func refusal(_ properties: JSONObject, environment: [String: String] = [:]) -> String? {
        do throws(LaminaError) {
            _ = try open(properties, environment: environment)
            return nil
        } catch {
            return error.message
        }
    }

    private static let plain = "org.apache.kafka.common.security.plain.PlainLoginModule required"

    @Test func whatDruidsUsersWrite() throws {
        _ = try open([
            "group.id": "g", "auto.offset.reset": "earliest", "max.poll.records": 500, "fetch.max.bytes": "1048576",
            "enable.auto.commit": false, "isolation.level": "read_uncommitted", "security.protocol": "SASL_PLAINTEXT",
            "sasl.mechanism": "SCRAM-SHA-512",
            "sasl.jaas.config": .string(
                "org.apache.kafka.common.security.scram.ScramLoginModule required\n"
                    + "  username=\"u\" password=\"p\\\"w\";"
            ),
        ])
        _ = try open(["ssl.key.password": ["type": "default", "password": "x"]])
        _ = try open(
            ["ssl.key.password": ["type": "environment", "variable": "LAMINA_SECRET_KEY"]],
            environment: ["LAMINA_SECRET_KEY": "x"]
        )
        _ = try open(
            [
                "druid.dynamic.config.provider": [
                    "type": "environment", "variables": ["bootstrap.servers": "LAMINA_SECRET_BROKERS"],
                ]
            ],
            environment: ["LAMINA_SECRET_BROKERS": "127.0.0.1:10"]
        )
    }

    /// The properties of CVE-2023-25194 and its family, and others that name files, programs or hosts.
    @Test(arguments: [
        "plugin.library.paths", "ssl.ca.location", "sasl.kerberos.kinit.cmd", "sasl.oauthbearer.token.endpoint.url",
        "sasl.login.callback.handler.class", "sasl.client.callback.handler.class", "interceptor.classes",
        "metric.reporters", "ssl.engine.factory.class", "security.providers", "sasl.username", "sasl.password",
        "sasl.oauthbearer.jwks.endpoint.url", "debug", "statistics.interval.ms", "ssl.trustmanager.algorithm",
        "config.providers", "builtin.features", "test.mock.num.brokers", "ssl.engine.location",
        "enable.ssl.certificate.verification",
    ])
    func otherPropertiesAreRefused(name: String) throws {
        let message = try #require(refusal([name: "/etc/shadow"]))
        #expect(message.contains("'\(name)'"))
        #expect(!message.contains("shadow"))
    }

    @Test func valuesAreNeverRepeated() throws {
        let secret = "s3cr3t"
        let cases: [(String, JSONObject)] = [
            (
                "sasl.jaas.config",
                [
                    "security.protocol": "SASL_SSL", "sasl.mechanism": "SCRAM-SHA-256",
                    "sasl.jaas.config": .string(
                        "com.sun.security.auth.module.JndiLoginModule required user.provider.url=\"rmi://\(secret)/x\";"
                    ),
                ]
            ),
            (
                "sasl.jaas.config",
                [
                    "sasl.mechanism": "PLAIN",
                    "sasl.jaas.config": .string("\(Self.plain) username=\"u\" password=\"\(secret)\""),
                ]
            ),
            (
                "sasl.jaas.config",
                [
                    "sasl.mechanism": "PLAIN",
                    "sasl.jaas.config": .string("\(Self.plain) username=\"u\" password=\"\(secret)\"; x y;"),
                ]
            ),
            (
                "sasl.jaas.config",
                ["sasl.mechanism": "PLAIN", "sasl.jaas.config": .string("\(Self.plain) username=\"\(secret)\";")]
            ),
            (
                "sasl.jaas.config",
                [
                    "sasl.mechanism": "PLAIN",
                    "sasl.jaas.config": .string("\(Self.plain) url=\"\(secret)\" username=\"u\" password=\"p\";"),
                ]
            ),
            (
                "sasl.jaas.config",
                [
                    "sasl.mechanism": "SCRAM-SHA-256",
                    "sasl.jaas.config": .string("\(Self.plain) username=\"u\" password=\"\(secret)\";"),
                ]
            ),
            ("sasl.mechanism", ["sasl.mechanism": .string("GSSAPI \(secret)")]),
            ("security.protocol", ["security.protocol": .string(secret)]),
            ("bootstrap.servers", ["bootstrap.servers": .string("localhost:9092/\(secret)")]),
            ("bootstrap.servers", ["bootstrap.servers": .string(secret)]),
            ("fetch.min.bytes", ["fetch.min.bytes": .string(secret)]),
            ("client.id", ["client.id": ["type": "environment", "variable": "HOME"]]),
            ("client.id", ["client.id": ["type": "other", "variable": .string(secret)]]),
            ("ssl.keystore.location", ["ssl.keystore.type": "PKCS12", "ssl.keystore.location": .string("/\(secret)")]),
            ("ssl.truststore.type", ["ssl.truststore.location": .string("/\(secret)")]),
            ("key.deserializer", ["key.deserializer": .string("com.evil.\(secret)")]),
        ]
        for (name, properties) in cases {
            let message = try #require(refusal(properties, environment: ["HOME": secret]), "\(properties)")
            #expect(message.contains("'\(name)'"), "\(message)")
            #expect(!message.contains(secret), "\(message)")
        }
    }

    @Test func aWrongKeyIsRefusedWithoutBeingShown() throws {
        let source = try open(["security.protocol": "SSL", "ssl.truststore.certificates": "s3cr3t"])
        #expect {
            try source.partitions()
        } throws: { error in
            guard case StreamError.refused(let refusal) = error else { return false }
            return !refusal.message.contains("s3cr3t")
        }
    }

    @Test func serversMustBeThere() {
        #expect(throws: LaminaError.self) {
            try KafkaConnector().open(topic: "t", isPattern: false, properties: [:], keepsKeys: false)
        }
    }

    @Test func filesLieInTheFolderOfSecrets() throws {
        let folder = FileManager.default.temporaryDirectory.path + "/lamina-kafka-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try Data("no certificate".utf8).write(to: URL(fileURLWithPath: "\(folder)/ca.pem"))
        let named: JSONObject = ["ssl.truststore.type": "PEM", "ssl.truststore.location": "ca.pem"]
        _ = try open(named, folder: folder)
        for path in ["../../etc/passwd", "/etc/passwd", "absent.pem", "."] {
            var properties = named
            properties["ssl.truststore.location"] = .string(path)
            #expect(throws: LaminaError.self) { try open(properties, folder: folder) }
        }
        #expect(throws: LaminaError.self) { try open(named) }
    }
}
