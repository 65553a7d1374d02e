import Glibc

/// How likely a z-score at least this far from 0 is, under the normal distribution.
///
/// - Source: `PvaluefromZscorePostAggregator`.
package func pValueTwoTailed(_ zScore: Double) -> Double {
    2 * (1 - 0.5 * erfc(-zScore.magnitude / 2.0.squareRoot()))
}
