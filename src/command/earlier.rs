//! What earlier commands of an account have left: what they could not tell, and what is not true any more.

use assay_chain::call::{Call, StakeCall, TokenCall};
use assay_chain::queue::{Left, Mined, TxQueue, typed_key};

use super::error::CommandError;
use super::note;
use super::outcome::Step;
use super::session::Session;

/// A call of an earlier command that has happened.
pub struct Earlier {
    /// The key under which it would be typed again.
    key: String,
    step: Step,
    /// Whether it was shown as done, and then a reorganisation took it out of the chain for a while.
    lost: bool,
}

/// A command that was typed before, in whole or in part.
pub struct Before {
    /// What of it has happened.
    pub steps: Vec<Step>,
    /// What is still to be done, with its keys.
    pub missing: Vec<(String, Call)>,
    /// Whether a reorganisation had taken some of it.
    lost: bool,
}

impl Before {
    /// Says to a person why it is not all sent.
    pub const fn words(&self) -> &'static str {
        match (self.missing.is_empty(), self.lost) {
            (true, false) => {
                "this command was typed before, and ended before it could say what became of it. Nothing was sent again; to \
                 do the same once more, type it once more."
            }
            (true, true) => {
                "this command was typed before, and a reorganisation had taken what it did out of the chain: it has happened \
                 again as said above. Nothing else was sent; to do the same once more, type it once more."
            }
            (false, _) => {
                "a part of this command was done by an earlier one, as said above. Only the rest is sent."
            }
        }
    }
}

impl Session {
    /// Tells what became of the calls of a command that could not tell it itself, and of those that were told and that a
    /// reorganisation took out of the chain.
    pub(super) async fn hear_of_earlier(&mut self, queue: &TxQueue) -> Result<(), CommandError> {
        // Asked for nothing of its own: what the limit holds back is only told.
        let left = self.wait(queue, "", queue.held(), queue.left()).await?;
        for Left {
            key,
            label,
            lost_from,
            ticket,
        } in left
        {
            note(format_args!(
                "{}: {label}",
                match lost_from {
                    None => "an earlier command has left this",
                    Some(_) =>
                        "an earlier command has done this, and a reorganisation has taken it out of the chain; it is \
                         sent again",
                }
            ));
            let outcome = self.wait(queue, &key, queue.held(), ticket.outcome());
            match outcome.await {
                Ok(Mined { block_hash, .. }) if lost_from == Some(block_hash) => {
                    note(format_args!(
                        "  it was there all the time, and the Ethereum node did not know it"
                    ));
                }
                Ok(mined) => {
                    note(format_args!(
                        "  it is in block {}, transaction {}",
                        mined.block, mined.tx
                    ));
                    self.earlier.push(Earlier {
                        key,
                        step: self.step(label, mined, true).await?,
                        lost: lost_from.is_some(),
                    });
                }
                Err(CommandError::Tx(error)) => note(format_args!("  it failed: {error}")),
                Err(other) => return Err(other),
            }
        }
        Ok(())
    }

    /// One key for each call: what it says, and the how manieth of its kind it is in this command.
    pub(super) fn keys(&self, calls: &[Call]) -> Result<Vec<String>, CommandError> {
        let mut prints = Vec::with_capacity(calls.len());
        for call in calls {
            let print = call.fingerprint(self.client.contracts());
            prints.push(print.map_err(|e| CommandError::Argument(e.to_string()))?);
        }
        let numbered = prints.iter().enumerate().map(|(at, print)| {
            let same = prints.iter().take(at).filter(|other| *other == print);
            typed_key(*print, same.count())
        });
        Ok(numbered.collect())
    }

    /// What an earlier command has done under this key.
    pub(super) fn done(&self, key: &str) -> Option<&Earlier> {
        self.earlier.iter().find(|known| known.key == key)
    }

    /// What of this command an earlier one has done, where that came to its decisive call. An allowance that is missing was
    /// there when its call was made.
    pub(super) fn typed_before(&self, keys: &[String], calls: &[Call]) -> Option<Before> {
        let done = |key: &String| self.done(key);
        done(keys.get(decisive(calls)?)?)?;
        let prepares = |call: &Call| matches!(call, Call::Token(TokenCall::Approve { .. }));
        let missing = keys.iter().zip(calls);
        let missing = missing.filter(|(key, call)| done(key).is_none() && !prepares(call));
        let missing = missing.map(|(key, call)| (key.clone(), call.clone()));
        let known: Vec<_> = keys.iter().filter_map(done).collect();
        Some(Before {
            steps: known.iter().map(|earlier| earlier.step.clone()).collect(),
            missing: missing.collect(),
            lost: known.iter().any(|earlier| earlier.lost),
        })
    }
}

/// The last call, but for the entry into the active set that follows a deposit: where that has not happened the deposit must
/// not be made twice.
fn decisive(calls: &[Call]) -> Option<usize> {
    let follows = |call: &Call| matches!(call, Call::Stake(StakeCall::Enlist { .. }));
    let decisive = calls.iter().rposition(|call| !follows(call));
    decisive.or_else(|| calls.len().checked_sub(1))
}

#[cfg(test)]
mod tests {
    use assay_chain::views::Role;
    use assay_protocol::Address;
    use assay_protocol::amount::Lpt;

    use super::*;

    #[test]
    fn a_deposit_decides_and_not_the_entry_behind_it() {
        let (role, operator) = (Role::Transcoder, Address::ZERO);
        let bond = Call::from(StakeCall::Bond {
            role,
            amount: Lpt::whole(1),
        });
        let enlist = Call::from(StakeCall::Enlist { role, operator });
        assert_eq!(decisive(&[bond.clone(), enlist.clone()]), Some(0));
        assert_eq!(decisive(&[bond.clone(), bond]), Some(1));
        assert_eq!(decisive(&[enlist]), Some(0));
        assert_eq!(decisive(&[]), None);
    }
}
