//! Who signs for whom: operators' choices of a hot key, as the chain has them.

use std::collections::BTreeMap;

use assay_protocol::Address;

/// An operator's choice of who signs for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tenure {
    /// The account that signs; the operator's own after a revocation.
    pub signer: Address,
    /// First round in which it counts.
    pub from_round: u64,
    /// Block of the choice.
    pub block: u64,
}

/// The choices of all operators.
#[derive(Clone, Debug, Default)]
pub struct Authority {
    /// By operator, oldest choice first; who never chose is not in it and signs itself.
    tenures: BTreeMap<Address, Vec<Tenure>>,
    /// Operators by the accounts that they have authorised: one account serves one operator.
    served: BTreeMap<Address, Address>,
}

impl Authority {
    /// Takes an operator's choice.
    pub fn choose(&mut self, operator: Address, tenure: Tenure) {
        if tenure.signer != operator {
            self.served.insert(tenure.signer, operator);
        }
        self.tenures.entry(operator).or_default().push(tenure);
    }

    /// The account whose signature counts for the operator in a round.
    pub fn signer_at(&self, operator: Address, round: u64) -> Address {
        let tenures = self.tenures.get(&operator).into_iter().flatten();
        let counts = tenures.filter(|tenure| tenure.from_round <= round);
        counts.last().map_or(operator, |tenure| tenure.signer)
    }

    /// The operator for which a key signs in one of the rounds. `None` for an owner's key that has given its signature
    /// away.
    pub fn acts_for(&self, key: Address, mut rounds: impl Iterator<Item = u64>) -> Option<Address> {
        let operator = self.served.get(&key).copied().unwrap_or(key);
        // Most operators never chose, and most messages are theirs.
        let itself = !self.tenures.contains_key(&operator);
        (itself || rounds.any(|round| self.signer_at(operator, round) == key)).then_some(operator)
    }

    /// Forgets choices made above block `ancestor`: a reorganisation.
    pub fn rewind(&mut self, ancestor: u64) {
        for tenures in self.tenures.values_mut() {
            tenures.retain(|tenure| tenure.block <= ancestor);
        }
        self.tenures.retain(|_, tenures| !tenures.is_empty());
        let tenures = &self.tenures;
        self.served.retain(|signer, operator| {
            let mut chosen = tenures.get(operator).into_iter().flatten();
            chosen.any(|tenure| tenure.signer == *signer)
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signer_counts_in_its_rounds_and_for_one_operator() {
        let [owner, hot, next] = [1, 2, 3].map(Address::repeat_byte);
        let mut authority = Authority::default();
        assert_eq!(authority.acts_for(owner, 1..=1), Some(owner));
        let choice = |signer, from_round, block| Tenure {
            signer,
            from_round,
            block,
        };
        authority.choose(owner, choice(hot, 3, 25));
        authority.choose(owner, choice(next, 6, 55));
        let by_round =
            |authority: &Authority| [2, 3, 5, 6, 9].map(|round| authority.signer_at(owner, round));
        assert_eq!(by_round(&authority), [owner, hot, hot, next, next]);
        for key in [owner, hot, next] {
            assert_eq!(authority.acts_for(key, 1..=6), Some(owner), "{key}");
        }
        assert_eq!(authority.acts_for(owner, 3..=6), None, "given away");
        assert_eq!(authority.acts_for(next, 3..=5), None, "not yet");
        // What a reorganisation takes away never was.
        authority.rewind(54);
        assert_eq!(by_round(&authority), [owner, hot, hot, hot, hot]);
        assert_eq!(authority.acts_for(next, 1..=9), Some(next));
        // A revocation gives the signature back.
        authority.choose(owner, choice(owner, 6, 56));
        assert_eq!(by_round(&authority), [owner, hot, hot, owner, owner]);
    }
}
