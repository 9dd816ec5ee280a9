//! What an operator keeps and shares in each round, written from docs/protocol.md, section 9: a change counts from the
//! next round on, and the last four are known.

/// Changes that are known.
const KNOWN: usize = 4;

/// In basis points.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    pub reward_cut: u16,
    pub fee_share: u16,
}

#[derive(Clone, Debug, Default)]
pub struct Cuts {
    /// By the round from which they count, in order.
    changes: Vec<(u64, Terms)>,
}

impl Cuts {
    /// Those of the same round have not counted yet and are replaced.
    pub fn set(&mut self, from_round: u64, terms: Terms) {
        self.changes.retain(|change| change.0 != from_round);
        self.changes.push((from_round, terms));
    }

    /// Before the first change nothing is kept or shared; of a round that is forgotten everything is the delegators'.
    pub fn in_round(&self, round: u64) -> Terms {
        let known = self.changes.len().saturating_sub(KNOWN);
        let counts = self.changes[known..].iter().rev();
        let found = counts.into_iter().find(|change| change.0 <= round);
        match found {
            Some((_, terms)) => *terms,
            None if self.changes.len() < KNOWN => Terms::default(),
            None => Terms {
                reward_cut: 0,
                fee_share: 10_000,
            },
        }
    }

    /// Whether what counted in the round is forgotten.
    pub fn forgot(&self, round: u64) -> bool {
        let known = self.changes.len().saturating_sub(KNOWN);
        self.changes.len() >= KNOWN && self.changes[known].0 > round
    }
}
