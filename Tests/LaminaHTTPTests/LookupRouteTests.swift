import LaminaBase
import LaminaHTTP
import LaminaQuery
import Testing

@Suite struct LookupRouteTests {
    private let config = "/druid/coordinator/v1/lookups/config"
    private let colours = #"{"version":"v1","lookupExtractorFactory":{"type":"map","map":{"r":"red","g":"green"}}}"#

    @Test func areSetReadAndRemoved() throws {
        let test = try TestServices()
        #expect(test.ask("GET", config).status == 404)
        #expect(test.ask("POST", config, "{}").status == 202)
        #expect(test.ask("POST", config, "{\"__default\":{\"colours\":\(colours)}}").status == 202)
        #expect(test.ask("GET", config).json == ["__default"])
        #expect(test.ask("GET", "\(config)/__default").json == ["colours"])
        #expect(test.ask("GET", "\(config)/__default/colours").json?["version"] == "v1")
        #expect(
            test.ask("GET", "/druid/coordinator/v1/lookups/status").json == [
                "__default": ["colours": ["loaded": true, "pendingNodes": []]]
            ]
        )
        #expect(test.services.lookups.table("colours")?.map["g"] == "green")
        #expect(test.ask("GET", "/druid/v1/lookups/introspect/colours/keys").json == ["g", "r"])
        #expect(test.ask("DELETE", "\(config)/__default/colours").status == 202)
        #expect(test.ask("DELETE", "\(config)/__default/colours").status == 404)
        #expect(test.services.lookups.table("colours") == nil)
    }

    @Test func onlyANewerVersionReplaces() throws {
        let test = try TestServices()
        let path = "\(config)/__default/c"
        #expect(test.ask("POST", path, colours).status == 202)
        let older = #"{"version":"v0","lookupExtractorFactory":{"type":"map","map":{"r":"rot"}}}"#
        #expect(test.ask("POST", path, older).status == 500)
        #expect(test.services.lookups.table("c")?.map["r"] == "red")
        let newer = #"{"version":"v2","lookupExtractorFactory":{"type":"map","map":{"r":"rouge"}}}"#
        #expect(test.ask("POST", path, newer).status == 202)
        #expect(test.services.lookups.table("c")?.map["r"] == "rouge")
    }

    @Test func unknownFactoriesAreKeptButNotLoaded() throws {
        let test = try TestServices()
        let book = #"{"version":"v1","lookupExtractorFactory":{"type":"phone book"}}"#
        #expect(test.ask("POST", "\(config)/__default/b", book).status == 202)
        #expect(test.ask("GET", "/druid/coordinator/v1/lookups/status/__default/b").json?["loaded"] == false)
        #expect(test.ask("POST", "\(config)/__default/c", "{\"version\":\"v1\"}").status == 400)
    }

    @Test func surviveARestart() throws {
        let test = try TestServices()
        #expect(test.ask("POST", "\(config)/__default/c", colours).status == 202)
        let again = try LookupStore(metadata: test.services.metadata)
        #expect(again.table("c")?.map == ["r": "red", "g": "green"])
        #expect(again.config?["__default"]?["c"]?["version"] == "v1")
    }
}
