//! Checks of what verifiers say about the work of a round.

use std::collections::BTreeSet;

use assay_protocol::certification::{
    MAX_JOBS, MAX_NAMED, MAX_NAMED_JOBS, MAX_PARTS, MAX_STRUCK, SignedObjection, SignedProposal,
    SignedVote,
};
use assay_protocol::{Address, B256};

use super::{Checker, Refused, Verified, wrong};

/// Rounds back from the present one whose certification is listened to: all that can still be certified, and more.
const ROUNDS: u64 = 16;
/// Lists of one round that one verifier's votes are heard for; it signs at most two in a turn.
const MAX_VOTES: usize = 128;

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
    /// Whether the verifier has a seat in the round, and the round is over and not long ago.
    fn seated(&self, round: u64, verifier: Address) -> Result<(), Refused> {
        let state = self.state();
        let present = state.current().map_or(0, |(number, _)| number);
        if round >= present {
            return Err(Refused::Early(format!("round {round} is not over")));
        }
        if round + ROUNDS < present {
            return Err(Refused::Unneeded(format!("round {round} is long over")));
        }
        let Some(set) = state.verifiers(round) else {
            return Err(Refused::Early(format!("round {round} is not known")));
        };
        let sits = set.find(verifier).is_some();
        drop(state);
        self.taken().work.forget(present.saturating_sub(ROUNDS));
        sits.then_some(())
            .ok_or_else(|| wrong(format!("{verifier} is no verifier of round {round}")))
    }

    pub(super) fn work_proposal(&self, signed: Box<SignedProposal>) -> Result<Verified, Refused> {
        let (round, number) = (signed.proposed.work.round, signed.number);
        self.seated(round, signed.leader)?;
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
        self.seated(signed.round, signed.verifier)?;
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
        self.seated(round, vote.verifier)?;
        let digest = self.domain.digest(&vote.work);
        let place = (round, vote.verifier, digest);
        let again = || Refused::Unneeded("that vote is known, or one too many".into());
        {
            let taken = self.taken();
            let from = (round, vote.verifier, B256::ZERO);
            let to = (round, vote.verifier, B256::repeat_byte(0xff));
            if taken.work.votes.contains(&place)
                || taken.work.votes.range(from..=to).count() >= MAX_VOTES
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
