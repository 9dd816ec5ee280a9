//! The one source of randomness of a run: SplitMix64 (Steele, Lea, Flood, OOPSLA 2014), seeded.

/// A seeded stream.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The stream of `seed` for one `purpose`, so that purposes do not shift each other.
    pub fn new(seed: u64, purpose: u64) -> Self {
        let mut random = Self(seed ^ purpose.wrapping_mul(0xd6e8_feb8_6659_fd93));
        random.next();
        random
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from `low` to `high`, both included.
    pub fn between(&mut self, (low, high): (u64, u64)) -> u64 {
        low + self.next() % (high.saturating_sub(low) + 1)
    }

    /// True `ppm` times in a million.
    pub fn chance(&mut self, ppm: u64) -> bool {
        self.next() % 1_000_000 < ppm
    }
}
