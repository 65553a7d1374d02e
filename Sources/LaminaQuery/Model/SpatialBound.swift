import Glibc

/// A region in which the points of a spatial dimension may lie; points are texts of numbers with commas between them.
///
/// - Source: `RectangularBound`, `RadiusBound`, `PolygonBound`; arithmetic in 32-bit floats as there.
package enum SpatialBound: Sendable, Hashable {
    /// Borders belong to it.
    case rectangle(low: [Float], high: [Float])
    case circle(center: [Float], radius: Float, unit: Unit)
    /// Corners in order; the last is joined to the first.
    case polygon(x: [Float], y: [Float])

    /// What a radius is measured in; all but `euclidean` take coordinates as latitude and longitude in degrees.
    package enum Unit: String, Sendable, CaseIterable {
        case meters, euclidean, miles, kilometers

        fileprivate var meters: Float {
            switch self {
            case .meters, .euclidean: 1
            case .miles: 1609.344
            case .kilometers: 1000
            }
        }
    }

    /// Whether a stored text is a point inside.
    package func contains(_ text: String) -> Bool {
        var point: [Float] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let number = parseJavaDouble(String(part)) else { return false }
            point.append(Float(number))
        }
        return contains(point)
    }

    package func contains(_ point: [Float]) -> Bool {
        switch self {
        case .rectangle(let low, let high):
            guard point.count >= low.count else { return false }
            for axis in low.indices where point[axis] < low[axis] || point[axis] > high[axis] { return false }
            return true
        case .circle(let center, let radius, let unit):
            guard point.count >= 2, center.count >= 2, point.count >= center.count else { return false }
            if unit == .euclidean {
                var total = 0.0
                for axis in center.indices {
                    let distance = Double(point[axis] - center[axis])
                    total += distance * distance
                }
                return total <= Double(radius) * Double(radius)
            }
            return distanceOnEarth(center, point) <= Double(radius * unit.meters)
        case .polygon(let x, let y): return point.count >= 2 && isInside(point[0], point[1], x, y)
        }
    }
}

/// Metres between two points given as latitude and longitude. Source: `RTreeUtils.calculateHaversineDistance`.
private func distanceOnEarth(_ one: [Float], _ other: [Float]) -> Double {
    func radians(_ degrees: Float) -> Double { Double(degrees) * (Double.pi / 180) }
    let (latitude, longitude) = (radians(one[0]), radians(one[1]))
    let (otherLatitude, otherLongitude) = (radians(other[0]), radians(other[1]))
    let high = sin((otherLatitude - latitude) / 2)
    let wide = sin((otherLongitude - longitude) / 2)
    let part = high * high + cos(latitude) * cos(otherLatitude) * wide * wide
    return 6_371_000 * (2 * atan2(part.squareRoot(), (1 - part).squareRoot()))
}

/// Counts the sides that a ray to the left crosses; corners and sides belong to the polygon.
private func isInside(_ px: Float, _ py: Float, _ x: [Float], _ y: [Float]) -> Bool {
    func between(_ a: Float, _ b: Float, _ value: Float) -> Bool {
        a <= b ? a <= value && value <= b : b <= value && value <= a
    }
    var before = x.count - 1
    var isOdd = false
    for corner in x.indices {
        if x[corner] == px, y[corner] == py { return true }
        if y[corner] == y[before], y[before] == py, between(x[corner], x[before], px) { return true }
        if between(y[corner], y[before], py), x[before] <= px || x[corner] <= px {
            let crossing = x[corner] + (py - y[corner]) / (y[before] - y[corner]) * (x[before] - x[corner])
            if crossing == px { return true }
            if crossing < px { isOdd.toggle() }
        }
        before = corner
    }
    return isOdd
}
