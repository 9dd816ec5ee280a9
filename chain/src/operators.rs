//! Reads about operators: who signs for them, and on which terms they work.

use alloy_primitives::{Address, B256, U256};
use assay_protocol::amount::Lpt;
use serde::{Deserialize, Serialize};

use crate::bindings::{operators as abi, roster};
use crate::client::Client;
use crate::convert::{address_in, address_out, word_in};
use crate::error::ChainError;
use crate::views::Role;

/// What an operator keeps and shares in a round, basis points.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cuts {
    /// Part of rewards that it keeps before sharing the rest.
    pub reward_cut_bps: u16,
    /// Part of fees that it shares.
    pub fee_share_bps: u16,
}

/// Whether the next snapshot takes an operator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// In the active set.
    pub active: bool,
    /// Kept out until it returns: it missed a round's duties.
    pub jailed: bool,
}

impl Client {
    /// The account whose signature counts for the operator in a round: its own, unless it has authorised another.
    ///
    /// # Errors
    /// [`ChainError::Rpc`] where no Ethereum node answers, [`ChainError::Revert`] where the contract refuses, [`ChainError::Shape`] where
    /// it is another one.
    pub async fn signer_at(&self, operator: Address, round: u64) -> Result<Address, ChainError> {
        let call = abi::SignerAtCall {
            operator: address_out(operator),
            round,
        };
        let at = self.contracts().operators;
        Ok(address_in(
            self.view("an operator's signer", at, call).await?,
        ))
    }

    /// The operator for which a key acts in the present round: itself if it serves none.
    ///
    /// # Errors
    /// [`ChainError::Rpc`] where no Ethereum node answers, [`ChainError::Revert`] where the contract refuses, [`ChainError::Shape`] where
    /// it is another one.
    pub async fn operator_of(&self, key: Address) -> Result<Address, ChainError> {
        let call = abi::OperatorOfCall {
            signer: address_out(key),
        };
        let at = self.contracts().operators;
        Ok(address_in(self.view("a key's operator", at, call).await?))
    }

    /// The operator that has claimed a key, for this round or the next one; `None` if nobody has.
    ///
    /// # Errors
    /// [`ChainError::Rpc`] where no Ethereum node answers, [`ChainError::Revert`] where the contract refuses, [`ChainError::Shape`] where
    /// it is another one.
    pub async fn claimed_by(&self, key: Address) -> Result<Option<Address>, ChainError> {
        let call = abi::ClaimedByCall {
            signer: address_out(key),
        };
        let at = self.contracts().operators;
        let operator = address_in(self.view("a key's operator", at, call).await?);
        Ok(Some(operator).filter(|operator| *operator != Address::ZERO))
    }

    /// What a key signs to serve an operator.
    ///
    /// # Errors
    /// [`ChainError::Rpc`] where no Ethereum node answers, [`ChainError::Revert`] where the contract refuses, [`ChainError::Shape`] where
    /// it is another one.
    pub async fn consent_digest(
        &self,
        operator: Address,
        key: Address,
    ) -> Result<B256, ChainError> {
        let call = abi::ConsentDigestCall {
            operator: address_out(operator),
            signer: address_out(key),
        };
        let at = self.contracts().operators;
        let digest: [u8; 32] = self.view("a consent's digest", at, call).await?;
        Ok(B256::from(digest))
    }

    /// The operator's cuts in a round; exact from the present round on.
    ///
    /// # Errors
    /// [`ChainError::Rpc`] where no Ethereum node answers, [`ChainError::Revert`] where the contract refuses, [`ChainError::Shape`] where
    /// it is another one.
    pub async fn cuts_at(
        &self,
        role: Role,
        operator: Address,
        round: u64,
    ) -> Result<Cuts, ChainError> {
        let call = abi::CutsAtCall {
            role: role.code(),
            operator: address_out(operator),
            round,
        };
        let at = self.contracts().operators;
        let (reward_cut_bps, fee_share_bps) = self.view("an operator's cuts", at, call).await?;
        Ok(Cuts {
            reward_cut_bps,
            fee_share_bps,
        })
    }

    /// The price that the next snapshot takes, wei per output pixel.
    ///
    /// # Errors
    /// [`ChainError::Rpc`] where no Ethereum node answers, [`ChainError::Revert`] where the contract refuses, [`ChainError::Shape`] where
    /// it is another one.
    pub async fn price_of(&self, operator: Address) -> Result<u64, ChainError> {
        let call = abi::PriceOfCall {
            operator: address_out(operator),
        };
        let at = self.contracts().operators;
        self.view("an operator's price", at, call).await
    }

    /// Whether the next snapshot takes the operator.
    ///
    /// # Errors
    /// [`ChainError::Rpc`] where no Ethereum node answers, [`ChainError::Revert`] where the contract refuses, [`ChainError::Shape`] where
    /// it is another one.
    pub async fn standing(&self, role: Role, operator: Address) -> Result<Standing, ChainError> {
        const WHAT: &str = "an operator's standing";
        let (code, who) = (role.code(), address_out(operator));
        let at = self.contracts().roster;
        let active = roster::IsActiveCall {
            role: code,
            operator: who,
        };
        let jailed = roster::IsJailedCall {
            role: code,
            operator: who,
        };
        Ok(Standing {
            active: self.view(WHAT, at, active).await?,
            jailed: self.view(WHAT, at, jailed).await?,
        })
    }

    /// Whether `enlist` would bring the operator into the active set, which has so many places: it is not in it, not kept out,
    /// and has the weight. Nothing on chain does so when a place becomes free, or when a deposit makes it heavy enough.
    ///
    /// # Errors
    /// [`ChainError::Rpc`] where no Ethereum node answers, [`ChainError::Revert`] where the contract refuses, [`ChainError::Shape`] where
    /// it is another one.
    pub async fn could_enter(
        &self,
        role: Role,
        operator: Address,
        places: u64,
    ) -> Result<bool, ChainError> {
        let standing = self.standing(role, operator).await?;
        if standing.active || standing.jailed {
            return Ok(false);
        }
        let weight = self.pool(role, operator).await?.weight;
        self.has_place(weight, role, operator, places).await
    }

    /// Whether the active set, which has so many places, has one for an operator of this weight that nothing keeps out: its own,
    /// a free one, or that of somebody lighter.
    ///
    /// # Errors
    /// [`ChainError::Rpc`] where no Ethereum node answers, [`ChainError::Revert`] where the contract refuses, [`ChainError::Shape`] where
    /// it is another one.
    pub async fn has_place(
        &self,
        weight: Lpt,
        role: Role,
        operator: Address,
        places: u64,
    ) -> Result<bool, ChainError> {
        let call = roster::ActiveSetCall { role: role.code() };
        let members: roster::ActiveSetReturn = self
            .view("an active set", self.contracts().roster, call)
            .await?;
        if members.operators.contains(&address_out(operator)) {
            return Ok(!weight.0.is_zero());
        }
        let weights = members.weights.into_iter().map(|w| Lpt(word_in(w)));
        Ok(enters(weight, &weights.collect::<Vec<_>>(), places))
    }
}

/// Whether a newcomer gets a place: a free one, or that of the smallest member. Of weights that differ by less than 2^-17 the
/// contract may find another the smallest, so who is hardly larger does not count on it.
fn enters(weight: Lpt, members: &[Lpt], places: u64) -> bool {
    let smallest = members.iter().min();
    let full = members.len() as u64 >= places;
    match smallest.filter(|_| full) {
        Some(smallest) => weight.0 > smallest.0.saturating_add((smallest.0 >> 17) + U256::ONE),
        None => !weight.0.is_zero(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_free_place_is_for_anybody_with_weight_and_a_taken_one_for_the_heavier() {
        let members = [Lpt::whole(5), Lpt::whole(3), Lpt::whole(4)];
        assert!(enters(Lpt::whole(1), &members, 4));
        assert!(!enters(Lpt::default(), &members, 4));
        assert!(enters(Lpt::whole(4), &members, 3));
        assert!(!enters(Lpt::whole(3), &members, 3));
        let hardly = Lpt(Lpt::whole(3).0 + U256::from(9));
        assert!(!enters(hardly, &members, 3));
        assert!(enters(Lpt::whole(1), &[], 1) && !enters(Lpt::default(), &[], 1));
    }
}
