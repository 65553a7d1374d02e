extension Granularity {
    /// Decodes a granularity: a name, or an object of type `all`, `none`, `duration` or `period`.
    package init(json: JSON) throws(LaminaError) {
        switch json {
        case .string(let name):
            guard let granularity = Granularity(named: name) else {
                throw .invalidInput(
                    "Unknown granularity '\(name)': expected all, none, second, minute, five_minute, ten_minute, "
                        + "fifteen_minute, thirty_minute, hour, six_hour, eight_hour, day, week, month, quarter, year, or an object",
                    context: ["granularity": name]
                )
            }
            self = granularity
        case .object(let object): self = try Granularity(object)
        default:
            throw .invalidInput(
                "A granularity must be a name or an object, not \(json.text)",
                context: ["granularity": json.text]
            )
        }
    }

    private init(_ object: JSONObject) throws(LaminaError) {
        guard let type = object["type"]?.stringValue else {
            throw .invalidInput(
                "A granularity object needs a 'type'",
                context: ["granularity": JSON.object(object).text]
            )
        }
        switch type {
        case "all": self = .all
        case "none": self = .none
        case "duration":
            guard let duration = object["duration"], let length = Self.milliseconds(duration) else {
                throw .invalidInput("A duration granularity needs 'duration' in milliseconds")
            }
            guard length > 0 else {
                throw .invalidInput("duration must be greater than 0!", context: ["duration": "\(length)"])
            }
            self = .duration(milliseconds: length, origin: floorModulo(try Self.origin(object) ?? 0, length))
        case "period":
            guard let text = object["period"]?.stringValue else {
                throw .invalidInput("A period granularity needs a 'period' such as P1D")
            }
            var zone = TimeZoneRules.utc
            if let name = object["timeZone"], !name.isNull {
                guard let name = name.stringValue else {
                    throw .invalidInput("'timeZone' of a granularity must be a string")
                }
                zone = .inferred(name)
            }
            self = .period(
                try PeriodGranularity(period: ISOPeriod(parsing: text), zone: zone, origin: try Self.origin(object))
            )
        default:
            throw .invalidInput(
                "Unknown granularity type '\(type)': expected all, none, duration or period",
                context: ["type": type]
            )
        }
    }

    private static func milliseconds(_ json: JSON) -> Int64? {
        switch json {
        case .int(let value): value
        case .double(let value): Int64(exactly: value.rounded(.towardZero))
        case .string(let text): Int64(text)
        default: nil
        }
    }

    private static func origin(_ object: JSONObject) throws(LaminaError) -> Int64? {
        switch object["origin"] {
        case nil, .null?: return nil
        case .string(let text)?: return try parseInstant(text)
        case .int(let value)?: return value
        case .some(let other):
            throw .invalidInput("'origin' of a granularity must be an ISO instant, not \(other.text)")
        }
    }

    /// Druid's form: the upper-case name where there is one, else an object.
    package var json: JSON {
        switch self {
        case .all: return ["type": "all"]
        case .none: return ["type": "none"]
        case .duration(let length, let origin):
            return ["type": "duration", "duration": .int(length), "origin": .string(instantText(origin))]
        case .period(let granularity):
            if granularity.origin == nil, granularity.zone == .utc,
                let standard = Self.standardNames.first(where: { $0.period == granularity.period })
            {
                return .string(standard.name)
            }
            return [
                "type": "period", "period": .string(granularity.period.text), "timeZone": .string(granularity.zone.id),
                "origin": granularity.origin.map { .string(instantText($0)) } ?? .null,
            ]
        }
    }
}
