package import LaminaBase

extension QueryDecoder {
    /// Decodes an extraction function (druid-surface 4).
    package func extractionFunction(_ json: JSON, at path: String) throws(LaminaError) -> ExtractionFunction {
        let fields = try Fields(json, at: path)
        let type = try fields.requiredString("type")
        switch type {
        case "upper": return .upper
        case "lower": return .lower
        case "strlen": return .strlen
        case "identity": return .identity
        case "substring":
            let index = try fields.int("index", default: 0)
            let length = try fields.int("length")
            guard index >= 0, length.map({ $0 > 0 }) ?? true else {
                throw fields.fail("index must not be negative, length positive")
            }
            return .substring(index: Int(index), length: length.map { Int($0) })
        case "cascade":
            var functions: [ExtractionFunction] = []
            _ = try fields.required("extractionFns")
            for (place, item) in (try fields.array("extractionFns") ?? []).enumerated() {
                functions.append(try extractionFunction(item, at: "\(fields.place("extractionFns"))[\(place)]"))
            }
            return .cascade(functions)
        case "regex":
            let regex = try regex(try fields.requiredString("expr"), at: fields.place("expr"))
            let group = try fields.int("index", default: 1)
            guard group >= 0, group <= Int64(regex.groupCount) else {
                throw fields.fail("'\(regex.pattern)' has no group \(group)")
            }
            return .regex(
                regex,
                group: Int(group),
                replacesMissing: try fields.bool("replaceMissingValue", default: false),
                replacement: try fields.string("replaceMissingValueWith")
            )
        case "partial": return .partial(try regex(try fields.requiredString("expr"), at: fields.place("expr")))
        case "searchQuery": return .searchQuery(try searchSpec(try fields.required("query"), at: fields.place("query")))
        case "registeredLookup": return try lookupFunction(fields, inline: "", registered: "lookup")
        case "lookup": return try lookupFunction(fields, inline: "lookup", registered: "lookup")
        case "stringFormat":
            let handling = try fields.string("nullHandling") ?? "nullString"
            guard let handling = ExtractionFunction.NullHandling.named(handling) else {
                throw fields.fail("unknown nullHandling '\(handling)'")
            }
            let format = try fields.requiredString("format")
            guard !format.isEmpty else { throw fields.fail("format must not be empty") }
            return .stringFormat(format: format, nullHandling: handling)
        case "bucket":
            return .bucket(size: try fields.double("size") ?? 1, offset: try fields.double("offset") ?? 0)
        case "timeFormat": return .timeFormat(try timeFormat(fields))
        case "time":
            return .time(
                TimeExtraction(
                    timeFormat: try pattern(fields, "timeFormat"),
                    resultFormat: try pattern(fields, "resultFormat")
                )
            )
        case "javascript": throw javaScriptRefused("Extraction function")
        default: throw fields.fail("unknown extraction function '\(type)'")
        }
    }

    /// The letters of Joda and of `SimpleDateFormat` mean the same in all common patterns.
    private func pattern(_ fields: Fields, _ key: String) throws(LaminaError) -> JodaPattern {
        let text = try fields.requiredString(key)
        do throws(LaminaError) {
            return try JodaPattern(text)
        } catch {
            throw fields.fail("\(key): \(error.message)")
        }
    }

    private func timeFormat(_ fields: Fields) throws(LaminaError) -> TimeFormatExtraction {
        let zone: TimeZoneRules
        if let name = try fields.string("timeZone") { zone = .inferred(name) } else { zone = .utc }
        return TimeFormatExtraction(
            format: fields["format"] == nil ? nil : try pattern(fields, "format"),
            zone: zone,
            names: try fields.string("locale").map { DateNames.named($0) } ?? .english,
            granularity: try granularity(fields, default: Granularity.none),
            asMillis: try fields.bool("asMillis", default: false)
        )
    }
}

extension ExtractionFunction.NullHandling {
    /// By name, letter case ignored.
    static func named(_ name: String) -> ExtractionFunction.NullHandling? {
        [.nullString, .emptyString, .returnNull].first { $0.rawValue.lowercased() == name.lowercased() }
    }
}
