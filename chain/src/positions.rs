//! What an account has at stake and coming to it, put together from events and reads.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::{Address, B256, U256};
use assay_protocol::amount::{Eth, Lpt};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::client::{Client, topic};
use crate::error::ChainError;
use crate::events::{Log, LogEntry, StakeLog};
use crate::operators::Standing;
use crate::views::{LockView, Role};

/// Stake in one pool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Which kind of pool.
    pub role: Role,
    /// Whose pool; the account's own for its bond.
    pub operator: Address,
    /// Whether the operator is in the active set: elsewhere stake earns nothing.
    #[serde(flatten)]
    pub standing: Standing,
    /// What it is worth, without what is unbonding.
    pub stake: Lpt,
    /// Its part of rewards that the pool has been paid and that are released block by block.
    pub pending_rewards: Lpt,
    /// Block by which they are released; 0 where none are pending.
    pub pending_until: u64,
    /// Fees that it could withdraw now.
    pub fees: Eth,
    /// Cases open against the pool; nothing leaves it while there is one.
    pub open_cases: u16,
    /// Block of the slash that has taken everything, while nothing was put in again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wiped_in: Option<u64>,
}

/// Stake on its way out, or to another pool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenLock {
    /// Its number.
    pub id: U256,
    /// Its state.
    #[serde(flatten)]
    pub lock: LockView,
    /// Whether its time is over and no case keeps it: it can be taken out, or arrive, now.
    pub ripe: bool,
    /// Cases open against the pool that it leaves; nothing leaves that while there is one.
    pub open_cases: u16,
    /// Whether a case is not over that the pool's verifier had signed before it began to leave.
    pub held: bool,
}

impl OpenLock {
    /// Whether a case keeps it, however late it is.
    pub const fn is_kept(&self) -> bool {
        self.open_cases > 0 || self.held
    }
}

/// Everything of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holdings {
    /// The account.
    pub account: Address,
    /// LPT that is not staked.
    pub liquid: Lpt,
    /// ETH.
    pub ether: Eth,
    /// Pools in which it has stake or fees.
    pub positions: Vec<Position>,
    /// Its locks, oldest first.
    pub locks: Vec<OpenLock>,
}

impl Client {
    /// What the account has at stake and coming to it. Costs a search of the deployment's events for the account.
    pub async fn holdings(&self, account: Address) -> Result<Holdings, ChainError> {
        let (pools, locks) = self.touched(account).await?;
        let mut positions = Vec::new();
        for ((role, operator), since) in pools {
            let position = self.position(role, operator, account, since).await?;
            let empty = position.stake.0.is_zero() && position.fees.0.is_zero();
            let frozen = operator == account && position.open_cases > 0;
            if !empty || frozen || position.wiped_in.is_some() {
                positions.push(position);
            }
        }
        let (head, round) = (self.head().await?.number, self.round().await?.round);
        let mut open = Vec::new();
        for id in locks {
            match self.lock(id).await {
                Ok(lock) if lock.holder == account => {
                    let (role, operator) = (lock.role, lock.operator);
                    let mut lock = OpenLock {
                        open_cases: self.pool(role, operator).await?.open_cases,
                        held: self.is_held(role, operator, lock.round).await?,
                        ripe: lock.is_ripe(round, head),
                        id,
                        lock,
                    };
                    lock.ripe &= !lock.is_kept();
                    open.push(lock);
                }
                Ok(_) => {}
                Err(ChainError::Revert { revert, .. }) if revert.is("UnknownLock") => {}
                Err(other) => return Err(other),
            }
        }
        Ok(Holdings {
            account,
            liquid: self.lpt_balance(account).await?,
            ether: Eth(self.eth_balance(account).await?),
            positions,
            locks: open,
        })
    }

    /// A holder's part of one pool, in which it last put something, or from which it took something, in block `since`.
    async fn position(
        &self,
        role: Role,
        operator: Address,
        holder: Address,
        since: u64,
    ) -> Result<Position, ChainError> {
        let pool = self.pool(role, operator).await?;
        let stake = self.stake_of(role, operator, holder).await?;
        // Only transcoders are paid fees.
        let fees = match role {
            Role::Transcoder => self.fees_of(operator, holder).await?,
            Role::Verifier => Eth::default(),
        };
        let wiped_in = match stake.0.is_zero() {
            true => self.wiped_in(role, operator, holder, since).await?,
            false => None,
        };
        let part = pool.pending_rewards.0.saturating_mul(stake.0);
        Ok(Position {
            role,
            operator,
            standing: self.standing(role, operator).await?,
            stake,
            pending_rewards: Lpt(part.checked_div(pool.bonded().0).unwrap_or_default()),
            pending_until: pool.pending_until,
            fees,
            open_cases: pool.open_cases,
            wiped_in,
        })
    }

    /// Block of the slash that has taken all that a holder had in a pool since it last put something in or took it out.
    async fn wiped_in(
        &self,
        role: Role,
        operator: Address,
        holder: Address,
        since: u64,
    ) -> Result<Option<u64>, ChainError> {
        let own = holder == operator;
        if !own && !self.is_wiped(role, operator, holder).await? {
            return Ok(None);
        }
        let mut slashes = self.slashes(role, operator).await?;
        slashes.retain(|slash| slash.block >= since);
        let all = slashes.iter().find(|slash| {
            let Log::Stake(StakeLog::Slashed { bps, own_cut, .. }) = slash.what else {
                return false;
            };
            bps == 10_000 && (!own || !own_cut.0.is_zero())
        });
        // Many smaller ones may have left what is not worth counting.
        let last = slashes.last().filter(|_| !own);
        Ok(all.or(last).map(|slash| slash.block))
    }

    /// Slashes of an operator's pool, oldest first.
    pub async fn slashes(
        &self,
        role: Role,
        operator: Address,
    ) -> Result<Vec<LogEntry>, ChainError> {
        let topics = json!([
            topic("Slashed(uint8,address,uint256,uint256,uint256)"),
            B256::from(U256::from(role.code())),
            operator.into_word()
        ]);
        self.search(self.contracts().bonding_manager, topics).await
    }

    /// Pools in which the account ever had stake, each with the block in which it last put something in or took it out, and locks
    /// that it ever made.
    async fn touched(
        &self,
        account: Address,
    ) -> Result<(BTreeMap<(Role, Address), u64>, BTreeSet<U256>), ChainError> {
        let at = self.contracts().bonding_manager;
        let (me, any) = (account.into_word(), serde_json::Value::Null);
        let searches = [
            json!([topic("Bonded(uint8,address,uint256,uint256)"), any, me]),
            // All of them name the delegator third.
            json!([
                [
                    topic("Delegated(uint8,address,address,uint256)"),
                    topic("Unbonded(uint8,address,address,uint256,uint256)"),
                    topic("MoveBegun(uint8,address,address,address,uint256,uint256)"),
                ],
                any,
                any,
                me
            ]),
        ];
        let (mut pools, mut locks) = (BTreeMap::new(), BTreeSet::new());
        let mut touches = |role, operator, block: u64| {
            let last: &mut u64 = pools.entry((role, operator)).or_default();
            *last = block.max(*last);
        };
        for topics in searches {
            for entry in self.search(at, topics).await? {
                match entry.what {
                    Log::Stake(
                        StakeLog::Bonded { role, operator, .. }
                        | StakeLog::Delegated { role, operator, .. },
                    ) => touches(role, operator, entry.block),
                    Log::Stake(
                        StakeLog::Unbonded {
                            role,
                            operator,
                            lock,
                            ..
                        }
                        | StakeLog::MoveBegun {
                            role,
                            from: operator,
                            lock,
                            ..
                        },
                    ) => {
                        touches(role, operator, entry.block);
                        locks.insert(lock);
                    }
                    _ => {}
                }
            }
        }
        Ok((pools, locks))
    }
}
