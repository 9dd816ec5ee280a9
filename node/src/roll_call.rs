//! Rolls on chain: called when a round got no certificate, answered by who is there, closed by whoever comes first.

use std::collections::{BTreeMap, BTreeSet};

use assay_chain::call::WorkCall;
use assay_chain::events::WorkLog;
use assay_protocol::B256;

use crate::driver::Node;
use crate::retry::Chore;

/// Rolls that are remembered.
const ROLLS: usize = 4;

/// One thing that a node does about a roll.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum RollStep {
    /// Calling one because of a round.
    Call(u64),
    /// Answering that of a round's verifiers.
    Answer(u64),
    /// Closing it.
    Close(u64),
}

/// A roll of a round's verifiers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Roll {
    round: u64,
    /// Last block for answers.
    until: u64,
    /// Block of the call.
    called: u64,
    /// Blocks of the answers by position.
    answered: BTreeMap<u64, u64>,
    /// Block in which it was closed.
    closed: Option<u64>,
}

/// The last ones, by the chain.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rolls(Vec<Roll>);

impl Rolls {
    /// Takes what the chain says in a block.
    pub(crate) fn note(&mut self, log: &WorkLog, block: u64) {
        match *log {
            WorkLog::RollCalled { round, until, .. } => {
                if self.0.len() >= ROLLS {
                    self.0.remove(0);
                }
                self.0.push(Roll {
                    round,
                    until,
                    called: block,
                    answered: BTreeMap::new(),
                    closed: None,
                });
            }
            WorkLog::RollAnswered { position, .. } => {
                if let Some(roll) = self.0.last_mut() {
                    roll.answered.insert(position, block);
                }
            }
            WorkLog::RollClosed { .. } => {
                if let Some(roll) = self.0.last_mut() {
                    roll.closed = Some(block);
                }
            }
            _ => {}
        }
    }

    /// Forgets what happened above block `ancestor`: a reorganisation.
    pub(crate) fn rewind(&mut self, ancestor: u64) {
        self.0.retain(|roll| roll.called <= ancestor);
        for roll in &mut self.0 {
            roll.answered.retain(|_, block| *block <= ancestor);
            roll.closed = roll.closed.filter(|block| *block <= ancestor);
        }
    }

    /// The one that goes on, and the round whose verifiers answer it.
    pub(crate) fn open(&self) -> Option<&Roll> {
        self.0.last().filter(|roll| roll.closed.is_none())
    }

    /// Whether a round that was opened in this block says something about the verifiers that the last roll has left.
    fn is_news(&self, opened_at: u64) -> bool {
        let closed = self.0.last().and_then(|roll| roll.closed);
        closed.is_none_or(|block| block < opened_at)
    }
}

impl Roll {
    /// What is to be done about it in a block, by who has this seat in its round and leaves `wait` blocks to others.
    fn step(&self, seat: Option<u64>, block: u64, wait: u64) -> Option<RollStep> {
        if block > self.until {
            return (block > self.until + wait).then_some(RollStep::Close(self.round));
        }
        let silent = seat.is_some_and(|seat| !self.answered.contains_key(&seat));
        silent.then_some(RollStep::Answer(self.round))
    }
}

/// Rounds without a certificate, and what this node has done about rolls.
#[derive(Debug, Default)]
pub(crate) struct RollKeeper {
    /// With the block in which that was known here.
    failed: BTreeMap<u64, u64>,
    done: BTreeSet<RollStep>,
}

impl RollKeeper {
    /// After a reorganisation what was done may be to do again.
    pub(crate) fn rewind(&mut self) {
        self.done.clear();
    }

    /// A step has failed and is to be done again.
    pub(crate) fn retry(&mut self, step: RollStep) {
        self.done.remove(&step);
    }
}

impl Node {
    /// A round with work has got no certificate.
    pub(crate) fn on_uncertified(&mut self, round: u64, block: u64) {
        self.keeper.rolls.failed.insert(round, block);
        while self.keeper.rolls.failed.len() > ROLLS {
            self.keeper.rolls.failed.pop_first();
        }
    }

    /// Shows that this verifier is there when it is asked, asks when too few were there to certify a round, and has those
    /// jailed who are not.
    pub(crate) fn keep_rolls(&mut self, block: u64) {
        let wait = self.turn_blocks();
        let rolls = self.read(|state| state.rolls.clone());
        let step = match rolls.open() {
            Some(roll) => roll.step(self.seat_in(roll.round), block, wait),
            None => self.due_call(&rolls, block, wait),
        };
        let Some(step) = step.filter(|step| !self.keeper.rolls.done.contains(step)) else {
            return;
        };
        let (what, call) = match step {
            RollStep::Call(failed) => {
                let present = self.read(|state| state.current().map(|(number, _)| number));
                let Some(position) = present.and_then(|round| self.seat_in(round)) else {
                    return;
                };
                ("call the roll", WorkCall::CallRoll { failed, position })
            }
            RollStep::Answer(round) => {
                let Some(position) = self.seat_in(round) else {
                    return;
                };
                ("answer the roll", WorkCall::AnswerRoll { round, position })
            }
            RollStep::Close(round) => ("close the roll", WorkCall::CloseRoll { round }),
        };
        self.keeper.rolls.done.insert(step);
        self.submit_chore(what, B256::ZERO, call, Chore::Roll(step));
    }

    /// The last failed round for which this node calls the roll now.
    fn due_call(&self, rolls: &Rolls, block: u64, wait: u64) -> Option<RollStep> {
        let (failed, since) = self.keeper.rolls.failed.last_key_value()?;
        let opened = self.read(|state| state.rounds.get(failed).map(|round| round.opened_at))?;
        let due = block >= since + wait && rolls.is_news(opened);
        due.then_some(RollStep::Call(*failed))
    }

    /// This node's position among the verifiers of a round.
    pub(crate) fn seat_in(&self, round: u64) -> Option<u64> {
        self.read(|state| {
            let (position, _) = state.verifiers(round)?.find(self.me)?;
            Some(position as u64)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALLED: WorkLog = WorkLog::RollCalled {
        round: 7,
        failed: 4,
        until: 120,
    };
    const CLOSED: WorkLog = WorkLog::RollClosed {
        round: 7,
        answered: 1,
        jailed: 2,
    };

    fn answered(position: u64) -> WorkLog {
        WorkLog::RollAnswered { round: 7, position }
    }

    fn step(rolls: &Rolls, seat: Option<u64>, block: u64) -> Option<RollStep> {
        rolls.open().and_then(|roll| roll.step(seat, block, 4))
    }

    #[test]
    fn who_has_a_seat_answers_once_and_anybody_closes() {
        let mut rolls = Rolls::default();
        assert_eq!(step(&rolls, Some(0), 100), None);
        rolls.note(&CALLED, 100);
        rolls.note(&answered(0), 100);
        assert_eq!(step(&rolls, Some(0), 101), None, "who calls has answered");
        assert_eq!(step(&rolls, Some(1), 101), Some(RollStep::Answer(7)));
        assert_eq!(step(&rolls, None, 101), None);
        rolls.note(&answered(1), 102);
        assert_eq!(step(&rolls, Some(1), 103), None);
        assert_eq!(step(&rolls, Some(2), 120), Some(RollStep::Answer(7)));
        assert_eq!(step(&rolls, Some(2), 121), None, "too late");
        assert_eq!(step(&rolls, None, 125), Some(RollStep::Close(7)));
        rolls.note(&CLOSED, 126);
        assert_eq!(step(&rolls, None, 127), None);
        assert!(!rolls.is_news(126) && rolls.is_news(127));
    }

    #[test]
    fn a_reorganisation_takes_answers_and_rolls_back() {
        let mut rolls = Rolls::default();
        rolls.note(&CALLED, 100);
        rolls.note(&answered(1), 105);
        rolls.note(&CLOSED, 121);
        rolls.rewind(120);
        assert_eq!(step(&rolls, Some(1), 120), None);
        rolls.rewind(104);
        assert_eq!(step(&rolls, Some(1), 105), Some(RollStep::Answer(7)));
        rolls.rewind(99);
        assert_eq!(step(&rolls, Some(1), 105), None);
        assert!(rolls.is_news(1));
    }
}
