//! Reads about stake and balances.

use alloy_primitives::{Address, U256};
use assay_protocol::amount::Lpt;

use crate::bindings as abi;
use crate::client::Client;
use crate::convert::{address_in, address_out, word_in, word_out};
use crate::error::ChainError;
use crate::views::{LockView, PoolView, Role};

impl Client {
    /// State of an operator's pool; zeros if there is none.
    ///
    /// # Errors
    /// [`ChainError::Rpc`] where no Ethereum node answers, [`ChainError::Revert`] where the contract refuses, [`ChainError::Shape`] where
    /// it is another one.
    pub async fn pool(&self, role: Role, operator: Address) -> Result<PoolView, ChainError> {
        let call = abi::bonding_manager::PoolCall {
            role: role.code(),
            operator: address_out(operator),
        };
        let abi::bonding_manager::PoolReturn { state: pool } = self
            .view("a pool", self.contracts().bonding_manager, call)
            .await?;
        let lpt = |amount| Lpt(word_in(amount));
        Ok(PoolView {
            own: lpt(pool.own_stake),
            delegated: lpt(pool.delegated_stake),
            own_unbonding: lpt(pool.own_unbonding),
            delegated_unbonding: lpt(pool.delegated_unbonding),
            weight: lpt(pool.weight),
            pending_rewards: lpt(pool.pending_rewards),
            pending_until: pool.pending_until,
            open_cases: pool.open_cases,
            generation: pool.generation,
        })
    }

    /// Whether nobody has anything in the pool, be it worth nothing: the next deposit is its first.
    ///
    /// # Errors
    /// [`ChainError::Rpc`] where no Ethereum node answers, [`ChainError::Revert`] where the contract refuses, [`ChainError::Shape`] where
    /// it is another one.
    pub async fn is_new(&self, role: Role, operator: Address) -> Result<bool, ChainError> {
        let call = abi::bonding_manager::SharesOfCall {
            role: role.code(),
            operator: address_out(operator),
        };
        let abi::bonding_manager::SharesOfReturn(_, all, _) = self
            .view("a pool's shares", self.contracts().bonding_manager, call)
            .await?;
        Ok(all.is_zero())
    }

    /// Whether a delegator has shares that a slash of all that was in the pool has made worthless.
    ///
    /// # Errors
    /// [`ChainError::Rpc`] where no Ethereum node answers, [`ChainError::Revert`] where the contract refuses, [`ChainError::Shape`] where
    /// it is another one.
    pub async fn is_wiped(
        &self,
        role: Role,
        operator: Address,
        delegator: Address,
    ) -> Result<bool, ChainError> {
        let at = self.contracts().bonding_manager;
        let (role, operator) = (role.code(), address_out(operator));
        let call = abi::bonding_manager::SharesOfCall { role, operator };
        let abi::bonding_manager::SharesOfReturn(_, _, generation) =
            self.view("a pool's shares", at, call).await?;
        let call = abi::bonding_manager::HoldingOfCall {
            role,
            operator,
            holder: address_out(delegator),
        };
        let abi::bonding_manager::HoldingOfReturn(held, held_in) =
            self.view("a holder's shares", at, call).await?;
        Ok(!held.is_zero() && held_in != generation)
    }

    /// What a holder's stake in a pool is worth, without what is unbonding.
    ///
    /// # Errors
    /// [`ChainError::Rpc`] where no Ethereum node answers, [`ChainError::Revert`] where the contract refuses, [`ChainError::Shape`] where
    /// it is another one.
    pub async fn stake_of(
        &self,
        role: Role,
        operator: Address,
        holder: Address,
    ) -> Result<Lpt, ChainError> {
        let call = abi::bonding_manager::StakeOfCall {
            role: role.code(),
            operator: address_out(operator),
            holder: address_out(holder),
        };
        let at = self.contracts().bonding_manager;
        Ok(Lpt(word_in(self.view("a holder's stake", at, call).await?)))
    }

    /// Stake on its way out.
    ///
    /// # Errors
    /// [`ChainError::Rpc`] where no Ethereum node answers, [`ChainError::Revert`] where the contract refuses, [`ChainError::Shape`] where
    /// it is another one.
    pub async fn lock(&self, lock: U256) -> Result<LockView, ChainError> {
        const WHAT: &str = "an unbonding lock";
        let call = abi::bonding_manager::LockOfCall {
            lock_id: word_out(lock),
        };
        let abi::bonding_manager::LockOfReturn { state } = self
            .view(WHAT, self.contracts().bonding_manager, call)
            .await?;
        let role = Role::of(state.role).ok_or_else(|| ChainError::Shape {
            what: WHAT,
            reason: format!("role {}", state.role),
        })?;
        Ok(LockView {
            holder: address_in(state.holder),
            role,
            operator: address_in(state.operator),
            destination: Some(address_in(state.destination))
                .filter(|operator| *operator != Address::ZERO),
            amount: Lpt(word_in(state.amount)),
            round: state.round,
            withdrawable_round: state.withdrawable_round,
            withdrawable_block: state.withdrawable_block,
        })
    }

    /// Whether a case is not over that the operator has signed as a verifier, in `round` or before: what began to leave its
    /// pool in `round` stays until then.
    ///
    /// # Errors
    /// [`ChainError::Rpc`] where no Ethereum node answers, [`ChainError::Revert`] where the contract refuses, [`ChainError::Shape`] where
    /// it is another one.
    pub async fn is_held(
        &self,
        role: Role,
        operator: Address,
        round: u64,
    ) -> Result<bool, ChainError> {
        let call = abi::fraud_court::HoldsCall {
            role: role.code(),
            operator: address_out(operator),
            round,
        };
        self.view("a court's hold", self.contracts().fraud_court, call)
            .await
    }

    /// Liquid LPT of an account.
    ///
    /// # Errors
    /// [`ChainError::Rpc`] where no Ethereum node answers, [`ChainError::Revert`] where the contract refuses, [`ChainError::Shape`] where
    /// it is another one.
    pub async fn lpt_balance(&self, account: Address) -> Result<Lpt, ChainError> {
        let call = abi::livepeer_token::BalanceOfCall {
            account: address_out(account),
        };
        Ok(Lpt(word_in(
            self.view("an LPT balance", self.contracts().livepeer_token, call)
                .await?,
        )))
    }

    /// LPT that `spender` may take from `owner`.
    ///
    /// # Errors
    /// [`ChainError::Rpc`] where no Ethereum node answers, [`ChainError::Revert`] where the contract refuses, [`ChainError::Shape`] where
    /// it is another one.
    pub async fn lpt_allowance(&self, owner: Address, spender: Address) -> Result<Lpt, ChainError> {
        let call = abi::livepeer_token::AllowanceCall {
            owner: address_out(owner),
            spender: address_out(spender),
        };
        let at = self.contracts().livepeer_token;
        Ok(Lpt(word_in(self.view("an allowance", at, call).await?)))
    }

    /// All LPT there is; burning makes it less.
    ///
    /// # Errors
    /// [`ChainError::Rpc`] where no Ethereum node answers, [`ChainError::Revert`] where the contract refuses, [`ChainError::Shape`] where
    /// it is another one.
    pub async fn lpt_supply(&self) -> Result<Lpt, ChainError> {
        let call = abi::livepeer_token::TotalSupplyCall;
        Ok(Lpt(word_in(
            self.view("the LPT supply", self.contracts().livepeer_token, call)
                .await?,
        )))
    }

    /// An account's balance in wei.
    ///
    /// # Errors
    /// [`ChainError::Rpc`] where no Ethereum node answers.
    pub async fn eth_balance(&self, account: Address) -> Result<U256, ChainError> {
        Ok(self.rpc().balance(account).await?)
    }
}
