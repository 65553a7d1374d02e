import LaminaBase

extension QueryDecoder {
    /// `spatial`: points inside a rectangle, a circle or a polygon. Source: `SpatialDimFilter`, `Bound`.
    func spatial(_ fields: Fields) throws(LaminaError) -> Filter {
        let dimension = try fields.requiredString("dimension")
        let bound = try Fields(try fields.required("bound"), at: fields.place("bound"))
        let shape: SpatialBound
        switch try bound.requiredString("type") {
        case "rectangular":
            let low = try coordinates(bound, "minCoords")
            let high = try coordinates(bound, "maxCoords")
            guard low.count == high.count else { throw bound.fail("minCoords and maxCoords must be equally many") }
            shape = .rectangle(low: low, high: high)
        case "radius":
            guard let radius = try bound.double("radius") else { throw bound.fail("radius is required") }
            let unit = try bound.string("radiusUnit") ?? "euclidean"
            guard let unit = SpatialBound.Unit(rawValue: unit) else {
                let known = SpatialBound.Unit.allCases.map(\.rawValue).joined(separator: ", ")
                throw bound.fail("unknown radiusUnit '\(unit)'; known are \(known)")
            }
            shape = .circle(center: try coordinates(bound, "coords"), radius: Float(radius), unit: unit)
        case "polygon":
            let x = try coordinates(bound, "abscissa")
            let y = try coordinates(bound, "ordinate")
            guard x.count == y.count, x.count > 2 else {
                throw bound.fail("abscissa and ordinate must have one number for each of at least three corners")
            }
            shape = .polygon(x: x, y: y)
        case let other: throw bound.fail("unknown bound type '\(other)'")
        }
        return .spatial(dimension: dimension, bound: shape)
    }

    private func coordinates(_ fields: Fields, _ key: String) throws(LaminaError) -> [Float] {
        guard let list = try fields.array(key) else { throw fields.fail("\(key) is required") }
        var numbers: [Float] = []
        for json in list {
            switch json {
            case .int(let number): numbers.append(Float(number))
            case .double(let number): numbers.append(Float(number))
            case .string(let text):
                guard let number = parseJavaDouble(text) else { throw fields.fail("\(key) must hold numbers") }
                numbers.append(Float(number))
            default: throw fields.fail("\(key) must hold numbers")
            }
        }
        return numbers
    }
}
