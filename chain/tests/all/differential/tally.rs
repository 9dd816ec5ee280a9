//! What a run has seen.

use std::fmt;

use alloy_primitives::U256;

#[derive(Default, Debug)]
pub struct Tally {
    pub done: u64,
    pub refused: u64,
    pub slashes: u64,
    pub wiped: u64,
    pub comparisons: u64,
    pub largest_off: U256,
    /// Payments and rewards for rounds with other cuts than the present ones, and for forgotten ones.
    pub other_cuts: u64,
    pub forgotten_cuts: u64,
    /// Tickets paid: all of the value or a part, and how many with something of a reserve.
    pub whole: u64,
    pub partly: u64,
    pub of_reserves: u64,
    /// Reserves that were parted by announced weights.
    pub parted: u64,
    /// Deposits that came back.
    pub withdrawn: u64,
    /// Members of a full set that lost their place; weights found beyond the bound of delegations.
    pub evicted: u64,
    pub bounded: u64,
    pub certified: u64,
    pub claimed: u64,
    pub jailed: u64,
    pub convicted: u64,
    pub acquitted: u64,
    /// Signers that were paid, and finders.
    pub signers: u64,
    pub finders: u64,
}

impl Tally {
    /// A run that has not come upon something says nothing about it.
    pub fn has_seen_everything(&self) {
        let seen = [
            ("refusals", self.refused),
            ("slashes", self.slashes),
            ("earlier cuts", self.other_cuts),
            ("tickets paid in whole", self.whole),
            ("tickets paid in part", self.partly),
            ("payments from reserves", self.of_reserves),
            ("reserves parted anew", self.parted),
            ("deposits withdrawn", self.withdrawn),
            ("evictions", self.evicted),
            ("delegations beyond the bound", self.bounded),
            ("certified rounds", self.certified),
            ("claims", self.claimed),
            ("jailed verifiers", self.jailed),
            ("convictions", self.convicted),
            ("signers paid", self.signers),
            ("finders paid", self.finders),
        ];
        for (what, count) in seen {
            assert!(count > 0, "no {what} in {} operations", self.done);
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} operations, {} refusals, {} slashes ({} of everything), {} comparisons, {} base units off at most",
            self.done, self.refused, self.slashes, self.wiped, self.comparisons, self.largest_off
        )?;
        writeln!(
            f,
            "operations of broadcasters: {} winners paid, {} in part, {} with something of a reserve; {} reserves parted \
             anew, {} deposits withdrawn",
            self.whole + self.partly,
            self.partly,
            self.of_reserves,
            self.parted,
            self.withdrawn
        )?;
        writeln!(
            f,
            "operations of operators: {} paid by the cuts of an earlier round ({} forgotten), {} lost their place, {} weights \
             beyond the bound of delegations",
            self.other_cuts, self.forgotten_cuts, self.evicted, self.bounded
        )?;
        write!(
            f,
            "operations of verifiers: {} lists, {} claims, {} jailed; {} convictions, {} acquittals, {} signers and {} finders \
             paid",
            self.certified,
            self.claimed,
            self.jailed,
            self.convicted,
            self.acquitted,
            self.signers,
            self.finders
        )
    }
}
