//! Checks of what verifiers say about the work of a round.

use std::collections::BTreeSet;

use assay_protocol::certification::{
    JobSheet, JobView, MAX_JOBS, MAX_NAMED, MAX_NAMED_JOBS, MAX_PARTS, MAX_STRUCK, SignedObjection,
    SignedProposal, SignedVote,
};
use assay_protocol::{Address, B256};
use assay_verifier::certify::{Turns, leader};

use super::{Checker, Refused, Verified, wrong};

/// Rounds back from the present one whose certification is listened to: all that can still be certified, and more.
const ROUNDS: u64 = 16;
/// Votes that are heard of a verifier beyond those that an honest one can have given by then.
const SPARE_VOTES: usize = 2;

/// What was heard already, so that it is checked once.
#[derive(Default)]
pub(super) struct Heard {
    proposals: BTreeSet<(u64, u32, Address)>,
    objections: BTreeSet<(u64, u32, Address, u32)>,
    votes: BTreeSet<(u64, Address, B256)>,
}

impl Heard {
    fn forget(&mut self, before: u64) {
        self.proposals.retain(|(round, ..)| *round >= before);
        self.objections.retain(|(round, ..)| *round >= before);
        self.votes.retain(|(round, ..)| *round >= before);
    }
}

impl Checker {
    /// The turns of the round, if the verifier has a seat in it, and the round is over and not long ago.
    fn seated(&self, round: u64, verifier: Address) -> Result<Turns, Refused> {
        let state = self.state();
        let present = state.current().map_or(0, |(number, _)| number);
        if round >= present {
            return Err(Refused::Early(format!("round {round} is not over")));
        }
        if round + ROUNDS < present {
            return Err(Refused::Unneeded(format!("round {round} is long over")));
        }
        let (Some(set), Some(next)) = (state.verifiers(round), state.rounds.get(&(round + 1)))
        else {
            return Err(Refused::Early(format!("round {round} is not known")));
        };
        let sits = set.find(verifier).is_some();
        let turns = Turns::new(next.opened_at, &self.params);
        drop(state);
        self.taken().work.forget(present.saturating_sub(ROUNDS));
        sits.then_some(turns)
            .ok_or_else(|| wrong(format!("{verifier} is no verifier of round {round}")))
    }

    /// Whether the verifier leads the turn of a proposal, and the turn has begun while the chain takes the list: so each
    /// leader is heard twice in each of its turns and no more.
    fn led(&self, round: u64, number: u32, who: Address) -> Result<(), Refused> {
        let turns = self.seated(round, who)?;
        let (turn, state) = (number / 2, self.state());
        let led = state
            .verifiers(round)
            .and_then(|set| leader(set, turn))
            .is_some_and(|(_, leads)| leads == who);
        if !led || !turns.has(turn) {
            return Err(wrong(format!("{who} does not lead turn {turn} of {round}")));
        }
        if !turns.begun(turn, state.head) {
            return Err(Refused::Early(format!("turn {turn} has not begun")));
        }
        Ok(())
    }

    pub(super) fn work_proposal(&self, signed: Box<SignedProposal>) -> Result<Verified, Refused> {
        let (round, number) = (signed.proposed.work.round, signed.number);
        self.led(round, number, signed.leader)?;
        let place = (round, number, signed.leader);
        let again = || Refused::Unneeded("another proposal of that leader and turn".into());
        if self.taken().work.proposals.contains(&place) {
            return Err(again());
        }
        let struck: usize = signed.proposed.struck.iter().map(|(_, s)| s.len()).sum();
        if signed.proposed.jobs.len() > MAX_JOBS || struck > MAX_STRUCK {
            return Err(wrong(
                "a proposal of more jobs or strikes than one may have",
            ));
        }
        if !signed.proposed.jobs.iter().all(JobSheet::sound) {
            return Err(wrong("a proposal of a run that can be none"));
        }
        let key = self.verifier_key(signed.leader)?;
        let name = signed.proposed.name(number);
        signed
            .signature
            .verify(self.domain.digest(&name), &key)
            .map_err(wrong)?;
        let list = signed.proposed.list(&self.domain);
        let list = list.ok_or_else(|| wrong("a proposal whose claims give another root"))?;
        match self.taken().work.proposals.insert(place) {
            true => Ok(Verified::WorkProposal(signed, list)),
            false => Err(again()),
        }
    }

    pub(super) fn work_objection(&self, signed: Box<SignedObjection>) -> Result<Verified, Refused> {
        let turns = self.seated(signed.round, signed.verifier)?;
        // Only the first proposal of a turn is objected to, and it has begun.
        let turn = signed.number / 2;
        if !signed.number.is_multiple_of(2) || !turns.has(turn) {
            return Err(wrong("an objection to no leader's first proposal"));
        }
        if !turns.begun(turn, self.state().head) {
            return Err(Refused::Early(format!("turn {turn} has not begun")));
        }
        let place = (signed.round, signed.number, signed.verifier, signed.part);
        let again = || Refused::Unneeded("that part of the objection is known".into());
        if self.taken().work.objections.contains(&place) {
            return Err(again());
        }
        let jobs = &signed.objected.jobs;
        let named: usize = jobs.iter().map(|job| job.receipts.len()).sum();
        if signed.part >= MAX_PARTS || jobs.len() > MAX_NAMED_JOBS || named > MAX_NAMED {
            return Err(wrong("an objection of more parts than one may have"));
        }
        if !jobs.iter().all(JobView::sound) {
            return Err(wrong("an objection with a run that can be none"));
        }
        let key = self.verifier_key(signed.verifier)?;
        let name = signed
            .objected
            .name(signed.round, signed.number, signed.part);
        signed
            .signature
            .verify(self.domain.digest(&name), &key)
            .map_err(wrong)?;
        match self.taken().work.objections.insert(place) {
            true => Ok(Verified::WorkObjection(signed)),
            false => Err(again()),
        }
    }

    pub(super) fn work_vote(&self, vote: SignedVote) -> Result<Verified, Refused> {
        let round = vote.work.round;
        let turns = self.seated(round, vote.verifier)?;
        let most = turns.votes(self.state().head) + SPARE_VOTES;
        let digest = self.domain.digest(&vote.work);
        let place = (round, vote.verifier, digest);
        let again = || Refused::Unneeded("that vote is known, or one too many".into());
        {
            let taken = self.taken();
            let from = (round, vote.verifier, B256::ZERO);
            let to = (round, vote.verifier, B256::repeat_byte(0xff));
            if taken.work.votes.contains(&place)
                || taken.work.votes.range(from..=to).count() >= most
            {
                return Err(again());
            }
        }
        let key = self.verifier_key(vote.verifier)?;
        vote.signature.verify(digest, &key).map_err(wrong)?;
        match self.taken().work.votes.insert(place) {
            true => Ok(Verified::WorkVote(vote)),
            false => Err(again()),
        }
    }
}

#[cfg(test)]
mod tests;
