//! Who takes part: names, keys and stakes of a network of a given size.

use assay_node::{KeyError, Keys};
use assay_protocol::Address;
use assay_protocol::amount::Lpt;
use assay_protocol::sig::OperatorKey;

/// Fewest verifiers: with fewer, one would hold more than a third of the weight.
pub const MIN_VERIFIERS: usize = 3;

/// What an operator does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Publishes the job.
    Broadcaster,
    /// Encodes; whether it cheats.
    Transcoder {
        /// Whether one chunk in five comes out worse than promised.
        cheats: bool,
    },
    /// Recomputes.
    Verifier,
    /// Bonds to the first transcoder.
    Delegator,
}

/// One account of the network.
#[derive(Clone)]
pub struct Player {
    /// For people and folders: `transcoder-0`.
    pub name: String,
    /// What it does.
    pub part: Part,
    /// Keys of its node.
    pub keys: Keys,
    /// The cold key that owns its stake; a delegator has no other.
    pub owner: OperatorKey,
    /// What it bonds: its own pool, or the pool it delegates to.
    pub stake: Lpt,
}

impl Player {
    /// Its account: by which everybody knows it.
    pub fn address(&self) -> Address {
        self.owner.address()
    }

    /// The account that signs and pays gas for it.
    pub fn signer(&self) -> Address {
        self.keys.operator.address()
    }
}

/// How many of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Transcoders.
    pub transcoders: usize,
    /// Verifiers.
    pub verifiers: usize,
    /// Of the transcoders, the first so many cheat.
    pub cheaters: usize,
}

/// What is wrong with a size.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SizeError {
    /// Nobody to work.
    #[error("0 transcoders; at least 1 is needed")]
    NoTranscoder,
    /// One verifier would hold more than a third.
    #[error(
        "{0} verifiers; at least {MIN_VERIFIERS} are needed, so that none holds more than a third of the weight"
    )]
    FewVerifiers(usize),
    /// More than the active set.
    #[error("{found} {what}; at most {max} are active in a round")]
    TooMany {
        /// Transcoders or verifiers.
        what: &'static str,
        /// Asked for.
        found: usize,
        /// Cap.
        max: usize,
    },
    /// More cheaters than transcoders.
    #[error("{cheaters} cheaters among {transcoders} transcoders")]
    Cheaters {
        /// Asked for.
        cheaters: usize,
        /// There are.
        transcoders: usize,
    },
}

impl Size {
    /// Checks that such a network can work.
    pub fn validate(&self) -> Result<(), SizeError> {
        if self.transcoders == 0 {
            return Err(SizeError::NoTranscoder);
        }
        if self.verifiers < MIN_VERIFIERS {
            return Err(SizeError::FewVerifiers(self.verifiers));
        }
        for (what, found, max) in [
            ("transcoders", self.transcoders, 100),
            ("verifiers", self.verifiers, 64),
        ] {
            if found > max {
                return Err(SizeError::TooMany { what, found, max });
            }
        }
        if self.cheaters > self.transcoders {
            return Err(SizeError::Cheaters {
                cheaters: self.cheaters,
                transcoders: self.transcoders,
            });
        }
        Ok(())
    }
}

/// Own bonds of transcoders, in LPT, repeated; different, so that elections show the stakes.
const TRANSCODER_BONDS: [u64; 5] = [100, 120, 90, 140, 80];
/// What the delegator adds to the first transcoder.
const DELEGATION: u64 = 50;

/// Own bond of verifier `i` of `n` in LPT: different, and none above a third of the sum.
fn verifier_bond(i: usize, n: usize) -> u64 {
    if n == MIN_VERIFIERS {
        100
    } else {
        [110, 100, 90, 105, 95][i % 5]
    }
}

/// The cast of a network of this size; keys follow from the seed.
pub fn cast(size: &Size, seed: u64) -> Result<Vec<Player>, KeyError> {
    let player = |name: String, part, lpt| {
        let keys = Keys::from_seed(seed, &name)?;
        let owner = match part {
            Part::Delegator => keys.operator.clone(),
            _ => Keys::owner_from_seed(seed, &name)?,
        };
        Ok(Player {
            name,
            part,
            keys,
            owner,
            stake: Lpt::whole(lpt),
        })
    };
    let mut players = vec![player("broadcaster".into(), Part::Broadcaster, 0)];
    for i in 0..size.transcoders {
        let part = Part::Transcoder {
            cheats: i < size.cheaters,
        };
        players.push(player(
            format!("transcoder-{i}"),
            part,
            TRANSCODER_BONDS[i % TRANSCODER_BONDS.len()],
        ));
    }
    for i in 0..size.verifiers {
        players.push(player(
            format!("verifier-{i}"),
            Part::Verifier,
            verifier_bond(i, size.verifiers),
        ));
    }
    players.push(player("delegator".into(), Part::Delegator, DELEGATION));
    players.into_iter().collect::<Result<_, _>>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_verifier_holds_more_than_a_third() {
        for n in MIN_VERIFIERS..=64 {
            let bonds: Vec<_> = (0..n).map(|i| verifier_bond(i, n)).collect();
            let total: u64 = bonds.iter().sum();
            assert!(bonds.iter().all(|bond| bond * 3 <= total), "{n}");
        }
    }

    #[test]
    fn impossible_sizes_are_refused() {
        let size = |transcoders, verifiers, cheaters| {
            Size {
                transcoders,
                verifiers,
                cheaters,
            }
            .validate()
        };
        assert_eq!(size(3, 4, 1), Ok(()));
        assert_eq!(size(0, 4, 0), Err(SizeError::NoTranscoder));
        assert_eq!(size(3, 2, 0), Err(SizeError::FewVerifiers(2)));
        assert!(size(3, 65, 0).is_err() && size(101, 4, 0).is_err() && size(2, 4, 3).is_err());
    }

    #[test]
    fn a_seed_gives_the_same_accounts_and_another_seed_others() {
        let size = Size {
            transcoders: 2,
            verifiers: 3,
            cheaters: 1,
        };
        let addresses = |seed| {
            cast(&size, seed)
                .unwrap()
                .iter()
                .map(Player::address)
                .collect::<Vec<_>>()
        };
        assert_eq!(addresses(7), addresses(7));
        assert!(addresses(7).iter().zip(addresses(8)).all(|(a, b)| *a != b));
    }
}
