//! Curves over quality, compared by Bjøntegaard's method (VCEG-M33), with piecewise cubic Hermite interpolation
//! (Fritsch and Carlson's slopes, as MATLAB's `pchip`) instead of one polynomial, which overshoots between far points.

/// A curve: quality (dB) and the logarithm of what it costs, by rising quality.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    quality: Vec<f64>,
    log_cost: Vec<f64>,
    slope: Vec<f64>,
}

/// Why points are no curve, or two curves not comparable.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CurveError {
    /// Too few points.
    #[error("{found} points of different quality, at least 2 are needed")]
    Few {
        /// Points found.
        found: usize,
    },
    /// A cost that has no logarithm, or a quality that is not finite.
    #[error(
        "a point of quality {quality} and cost {cost}: both must be finite and the cost above 0"
    )]
    Point {
        /// Its quality.
        quality: f64,
        /// Its cost.
        cost: f64,
    },
    /// No quality that both have.
    #[error("the curves share no quality: {first:?} and {second:?} dB")]
    Apart {
        /// Least and most of the first.
        first: (f64, f64),
        /// Least and most of the second.
        second: (f64, f64),
    },
}

impl Curve {
    /// Of points (quality in dB, cost above 0), in any order.
    ///
    /// # Errors
    /// Fewer than two points of different quality, or one that is not finite.
    pub fn new(points: impl IntoIterator<Item = (f64, f64)>) -> Result<Self, CurveError> {
        let mut sorted: Vec<(f64, f64)> = points.into_iter().collect();
        if let Some(&(quality, cost)) = sorted
            .iter()
            .find(|(q, c)| !q.is_finite() || !c.is_finite() || *c <= 0.0)
        {
            return Err(CurveError::Point { quality, cost });
        }
        sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
        sorted.dedup_by(|a, b| a.0 == b.0);
        if sorted.len() < 2 {
            return Err(CurveError::Few {
                found: sorted.len(),
            });
        }
        let quality: Vec<f64> = sorted.iter().map(|p| p.0).collect();
        let log_cost: Vec<f64> = sorted.iter().map(|p| p.1.ln()).collect();
        let slope = slopes(&quality, &log_cost);
        Ok(Self {
            quality,
            log_cost,
            slope,
        })
    }

    fn range(&self) -> (f64, f64) {
        let last = self.quality.len() - 1;
        (self.quality[0], self.quality[last])
    }

    /// Integral from `from` to `to`, which lie within the curve.
    fn integral(&self, from: f64, to: f64) -> f64 {
        let pieces = 0..self.quality.len() - 1;
        let within = |i: usize| {
            let (low, high) = (from.max(self.quality[i]), to.min(self.quality[i + 1]));
            // Simpson's rule is exact for a cubic.
            let middle = (low + high) / 2.0;
            let sum = self.at(i, low) + 4.0 * self.at(i, middle) + self.at(i, high);
            (high - low).max(0.0) * sum / 6.0
        };
        pieces.map(within).sum()
    }

    fn at(&self, i: usize, x: f64) -> f64 {
        let h = self.quality[i + 1] - self.quality[i];
        let t = (x - self.quality[i]) / h;
        let (t2, t3) = (t * t, t * t * t);
        (2.0 * t3 - 3.0 * t2 + 1.0) * self.log_cost[i]
            + (t3 - 2.0 * t2 + t) * h * self.slope[i]
            + (3.0 * t2 - 2.0 * t3) * self.log_cost[i + 1]
            + (t3 - t2) * h * self.slope[i + 1]
    }

    /// What this curve costs against `other` at equal quality: 1.05 is five percent more, on average over the qualities
    /// that both have. Of bit rates, minus 1: the BD-rate.
    ///
    /// # Errors
    /// Curves that share no quality.
    pub fn against(&self, other: &Self) -> Result<f64, CurveError> {
        let (first, second) = (self.range(), other.range());
        let (from, to) = (first.0.max(second.0), first.1.min(second.1));
        if to <= from {
            return Err(CurveError::Apart { first, second });
        }
        let apart = self.integral(from, to) - other.integral(from, to);
        Ok((apart / (to - from)).exp())
    }
}

/// Fritsch and Carlson's: weighted harmonic means inside, a limited three-point formula at the ends.
fn slopes(x: &[f64], y: &[f64]) -> Vec<f64> {
    let h: Vec<f64> = x.windows(2).map(|w| w[1] - w[0]).collect();
    let d: Vec<f64> = y
        .windows(2)
        .zip(&h)
        .map(|(w, h)| (w[1] - w[0]) / h)
        .collect();
    let last = d.len();
    if last == 1 {
        return vec![d[0]; 2];
    }
    let end = |h0: f64, h1: f64, d0: f64, d1: f64| {
        let slope = ((2.0 * h0 + h1) * d0 - h0 * d1) / (h0 + h1);
        if slope * d0 <= 0.0 {
            0.0
        } else if d0 * d1 <= 0.0 && slope.abs() > 3.0 * d0.abs() {
            3.0 * d0
        } else {
            slope
        }
    };
    let inside = |i: usize| {
        if d[i - 1] * d[i] <= 0.0 {
            return 0.0;
        }
        let (w1, w2) = (2.0 * h[i] + h[i - 1], h[i] + 2.0 * h[i - 1]);
        (w1 + w2) / (w1 / d[i - 1] + w2 / d[i])
    };
    let mut out = vec![end(h[0], h[1], d[0], d[1])];
    out.extend((1..last).map(inside));
    out.push(end(h[last - 1], h[last - 2], d[last - 1], d[last - 2]));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(points: &[(f64, f64)]) -> Curve {
        Curve::new(points.iter().copied()).unwrap()
    }

    /// kbit/s and dB of a published pair of curves; expected values by SciPy's `PchipInterpolator` (see below).
    const A: [(f64, f64); 4] = [
        (40.28, 686.76),
        (37.18, 309.58),
        (34.24, 157.11),
        (31.42, 85.95),
    ];
    const B: [(f64, f64); 4] = [
        (40.39, 893.34),
        (37.21, 407.8),
        (34.17, 204.93),
        (31.24, 112.75),
    ];

    #[test]
    fn a_known_pair() {
        let rate = 100.0 * (curve(&B).against(&curve(&A)).unwrap() - 1.0);
        assert!((rate - REFERENCE).abs() < 0.001, "{rate}");
    }
    const REFERENCE: f64 = 31.379_878;

    #[test]
    fn scaling_the_rate_is_the_bd_rate() {
        let dearer = A.map(|(q, r)| (q, 1.07 * r));
        let found = curve(&dearer).against(&curve(&A)).unwrap();
        assert!((found - 1.07).abs() < 1e-12);
        assert!((curve(&A).against(&curve(&dearer)).unwrap() * 1.07 - 1.0).abs() < 1e-12);
    }

    #[test]
    fn what_cannot_be_compared() {
        assert_eq!(
            Curve::new([(30.0, 5.0), (30.0, 6.0)]),
            Err(CurveError::Few { found: 1 })
        );
        assert!(matches!(
            Curve::new([(30.0, 0.0), (31.0, 6.0)]),
            Err(CurveError::Point { .. })
        ));
        let low = curve(&[(20.0, 1.0), (21.0, 2.0)]);
        assert!(matches!(
            low.against(&curve(&A)),
            Err(CurveError::Apart { .. })
        ));
    }
}
