//! What each executed case has taken, as the chain had it in the block before and has it in the block itself.

use assay_chain::ChainError;
use assay_chain::client::Client;
use assay_chain::views::Role;
use assay_protocol::amount::Lpt;
use assay_protocol::sig::OperatorKey;
use assay_protocol::{Address, U256};

use crate::cast::{Part, Player};
use crate::ledger::Ledger;
use crate::stage::Stage;

/// An amount before an execution, and after it.
type Change = (Lpt, Lpt);

/// What one case has taken.
pub(crate) struct Loss {
    operator: Address,
    block: u64,
    /// Bonded in the pool, delegations included.
    stake: Change,
    /// What the next elections go by.
    weight: Change,
    /// The delegator's part, if the pool is the one that it has delegated to.
    delegated: Option<Change>,
}

/// Reads what the ledger's executed cases have taken.
///
/// # Errors
/// A chain that is away, or has forgotten its past.
pub(crate) async fn read(
    url: &str,
    stage: &Stage,
    key: &OperatorKey,
    players: &[Player],
    ledger: &Ledger,
) -> Result<Vec<Loss>, ChainError> {
    let client = Client::connect(url, &stage.deployment, key.clone()).await?;
    let find = |is: fn(Part) -> bool| players.iter().find(|p| is(p.part)).map(Player::address);
    let delegator = find(|part| part == Part::Delegator);
    let chosen = find(|part| matches!(part, Part::Transcoder { .. }));
    let mut losses = Vec::new();
    for case in ledger.cases.values() {
        let Some(block) = case.executed else { continue };
        let (before, after) = (client.as_of(block - 1), client.as_of(block));
        let pools = (
            before.pool(Role::Transcoder, case.operator).await?,
            after.pool(Role::Transcoder, case.operator).await?,
        );
        let delegated = match delegator.filter(|_| chosen == Some(case.operator)) {
            None => None,
            Some(who) => Some((
                before
                    .stake_of(Role::Transcoder, case.operator, who)
                    .await?,
                after.stake_of(Role::Transcoder, case.operator, who).await?,
            )),
        };
        losses.push(Loss {
            operator: case.operator,
            block,
            stake: (pools.0.bonded(), pools.1.bonded()),
            weight: (pools.0.weight, pools.1.weight),
            delegated,
        });
    }
    Ok(losses)
}

impl Loss {
    /// What was not cut, in words.
    pub fn faults(&self) -> Vec<String> {
        let amounts = [
            ("the stake", Some(self.stake)),
            ("the weight in elections", Some(self.weight)),
            ("the delegator's stake", self.delegated),
        ];
        let spared = amounts.into_iter().filter_map(|(what, change)| {
            let (before, after) = change?;
            let spared = before.0 > U256::ZERO && after.0 >= before.0;
            spared.then(|| {
                let (who, block) = (self.operator, self.block);
                format!("{what} of {who} was {before} LPT and is {after} LPT after the slash in block {block}")
            })
        });
        spared.collect()
    }
}
