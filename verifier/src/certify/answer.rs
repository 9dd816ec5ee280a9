//! A verifier's part: it votes for a list all of which it confirms, or says what it confirms instead.

use std::collections::{BTreeMap, BTreeSet};

use assay_protocol::bls::BlsSignature;
use assay_protocol::certification::{
    JobSheet, JobView, MAX_JOBS, MAX_NAMED, MAX_NAMED_JOBS, MAX_PARTS, Objected, Proposed,
    SignedObjection, SignedProposal, WorkObjection, tag,
};
use assay_protocol::checked::Now;
use assay_protocol::draft::Draft;
use assay_protocol::params::Params;
use assay_protocol::round_work::{Sheet, list};
use assay_protocol::wire::Gossip;
use assay_protocol::{Address, U256};

use super::reduce::Places;
use super::runs::{fit, joined, pixels};
use super::view::RoundView;
use super::{Certifier, Output, leader};

/// What a verifier makes of a proposal.
enum Answer {
    /// Its list, and how many confirmed receipts it leaves out.
    Agrees(usize),
    /// The jobs in which it differs.
    Differs(BTreeSet<U256>),
    /// Not the list that follows from its sheets, or duties that were not done.
    Wrong,
}

impl Certifier {
    pub(super) fn on_proposal(&mut self, proposal: SignedProposal, now: Now) -> Vec<Output> {
        let (round, turn) = (proposal.proposed.work.round, proposal.number / 2);
        let Some(view) = self.rounds.get(&round) else {
            return Vec::new();
        };
        let led = leader(&view.verifiers, turn).map(|(_, who)| who);
        let other = led == Some(proposal.leader) && proposal.leader != self.me;
        if !other || view.certified.is_some() {
            return Vec::new();
        }
        // One of a turn that begins some day would only be kept.
        let turns = self.turns(view);
        if !turns.is_some_and(|turns| turns.has(turn) && turns.begun(turn, now.block)) {
            return Vec::new();
        }
        let digest = self.domain.digest(&proposal.proposed.work);
        let Some(view) = self.rounds.get_mut(&round) else {
            return Vec::new();
        };
        // The first one of a number; a leader that says two things splits the votes for itself. One of a turn that is over
        // has no answer any more, but votes.
        if view.numbers.insert(proposal.number) {
            view.proposed.insert(digest);
            if view.turn.is_none_or(|present| turn >= present) {
                view.proposals.insert(proposal.number, proposal);
            }
        }
        self.answer_waiting(round, now)
    }

    /// Answers the proposals of the present turn that have no answer yet. One of the next turn waits for its block.
    pub(super) fn answer_waiting(&mut self, round: u64, now: Now) -> Vec<Output> {
        let Some(view) = self.rounds.get(&round) else {
            return Vec::new();
        };
        let (Some((turn, _)), Some(_)) = (self.turn(view, now), view.verifiers.find(self.me))
        else {
            return Vec::new();
        };
        if view.turn != Some(turn) {
            self.freeze(round, turn);
        }
        let mut outputs = Vec::new();
        for number in [2 * turn, 2 * turn + 1] {
            outputs.extend(self.answer(round, number));
        }
        outputs
    }

    fn answer(&mut self, round: u64, number: u32) -> Vec<Output> {
        let (me, domain, rule) = (self.me, self.domain, self.rule);
        let Some(view) = self.rounds.get_mut(&round) else {
            return Vec::new();
        };
        let Some(proposal) = view.proposals.get(&number).filter(|p| p.leader != me) else {
            return Vec::new();
        };
        if view.answered.contains(&number) {
            return Vec::new();
        }
        let proposed = proposal.proposed.clone();
        let answer = view.compare(&proposed, number, me, |sheets| {
            list(round, sheets, &view.transcoders, &rule).work(&domain, proposed.work.duties)
                == proposed.work
        });
        view.answered.insert(number);
        match answer {
            Answer::Agrees(dropped) => {
                let work = proposed.work;
                let mut outputs = vec![Output::Sign(Draft::RoundWork { work, number })];
                if dropped > 0 {
                    outputs.push(Output::Dropped {
                        round,
                        receipts: dropped,
                    });
                }
                outputs
            }
            Answer::Differs(jobs) if number.is_multiple_of(2) => view.object(round, number, &jobs),
            Answer::Differs(_) | Answer::Wrong => Vec::new(),
        }
    }

    pub(super) fn on_objection(&mut self, objection: SignedObjection, now: Now) {
        // None once the round is certified, or its time is over.
        let view = self.rounds.get(&objection.round);
        let present = view.and_then(|view| self.turn(view, now));
        let (Some((present, _)), Some(view)) = (present, self.rounds.get_mut(&objection.round))
        else {
            return;
        };
        // One of a turn that is over has no use any more; its proposal, which is much larger, may come later.
        let sits = view.verifiers.find(objection.verifier).is_some();
        let heard = sits && objection.number / 2 >= present;
        if heard && objection.part < MAX_PARTS && objection.number.is_multiple_of(2) {
            view.objections
                .entry((objection.number, objection.verifier))
                .or_default()
                .entry(objection.part)
                .or_insert(objection.objected);
        }
    }

    pub(super) fn on_own_objection(
        &mut self,
        name: &WorkObjection,
        signature: BlsSignature,
    ) -> Vec<Output> {
        let me = self.me;
        let Some(view) = self.rounds.get_mut(&name.round) else {
            return Vec::new();
        };
        let Some(at) = view.pending_objections.iter().position(|(n, _)| n == name) else {
            return Vec::new();
        };
        let (_, objected) = view.pending_objections.swap_remove(at);
        let signed = SignedObjection {
            round: name.round,
            number: name.number,
            part: name.part,
            verifier: me,
            objected,
            signature,
        };
        vec![Output::Gossip(Gossip::WorkObjection(Box::new(signed)))]
    }
}

impl RoundView {
    fn compare(
        &self,
        proposed: &Proposed,
        number: u32,
        me: Address,
        follows: impl Fn(std::collections::btree_map::Values<'_, U256, Sheet>) -> bool,
    ) -> Answer {
        if !self.duties_hold(proposed.work.duties) {
            return self.differing(proposed);
        }
        let mut agreed = BTreeMap::new();
        let mut differs = BTreeSet::new();
        let mut dropped = Places::new();
        let struck: BTreeMap<_, _> = proposed.struck.iter().map(|(at, s)| (*at, s)).collect();
        for (at, job) in (0u32..).zip(&proposed.jobs) {
            let mine = self.sheets.get(&job.job).and_then(|own| {
                let mut sheet = fit(own, job)?;
                if let Some(seqs) = struck.get(&at) {
                    let had = seqs.iter().filter(|seq| sheet.entries.contains_key(seq));
                    dropped.entry(job.job).or_default().extend(had);
                    sheet.strike(seqs);
                }
                (sheet.digest() == job.digest).then_some(sheet)
            });
            match mine {
                Some(sheet) => drop(agreed.insert(job.job, sheet)),
                None => drop(differs.insert(job.job)),
            }
        }
        let listed: BTreeSet<_> = proposed.jobs.iter().map(|job| job.job).collect();
        let most = self.crowded_out(number, &listed);
        let missing = self
            .sheets
            .iter()
            .filter(|(job, sheet)| !listed.contains(*job) && pixels(sheet) > most);
        for (job, sheet) in missing {
            if number.is_multiple_of(2) {
                differs.insert(*job);
            } else {
                let all = sheet.entries.keys().copied();
                dropped.entry(*job).or_default().extend(all);
            }
        }
        if !differs.is_empty() {
            return Answer::Differs(differs);
        }
        // What a leader strikes must be missing from somebody else's view, that very receipt, or from a view too few
        // share [a leader that strikes a rival's work].
        if !self.excused(number, me, &dropped) {
            return Answer::Wrong;
        }
        match follows(agreed.values()) {
            true => Answer::Agrees(dropped.values().map(BTreeSet::len).sum()),
            false => Answer::Wrong,
        }
    }

    /// The most pixels with which a job may be missing from a proposal for want of room: it holds so many jobs, and the
    /// leader takes the largest. Views differ a little, hence the eighth.
    fn crowded_out(&self, number: u32, listed: &BTreeSet<U256>) -> u64 {
        let first = self.proposals.get(&(number & !1));
        if first.is_none_or(|first| first.proposed.jobs.len() < MAX_JOBS) {
            return 0;
        }
        let known = listed.iter().filter_map(|job| self.sheets.get(job));
        let least = known.map(pixels).min().unwrap_or(0);
        least.saturating_add(least / 8)
    }

    /// Whether others than the leader do not confirm these receipts either, by their objections to the first proposal of
    /// the turn; or fewer than two thirds can have them beside this one.
    fn excused(&self, number: u32, me: Address, dropped: &Places) -> bool {
        let first = number & !1;
        let mut lacked = Places::new();
        let leader = self.proposals.get(&number).map(|p| p.leader);
        for ((_, author), parts) in self
            .objections
            .range((first, Address::ZERO)..(first + 1, Address::ZERO))
        {
            if Some(*author) == leader || *author == me {
                continue;
            }
            for (job, view) in views(parts) {
                if let Some(own) = self.sheets.get(&job) {
                    lacked.entry(job).or_default().extend(view.lacks(own));
                }
            }
        }
        // Of two verifiers, or where the leader alone tips the scale, its own view is as good as another's.
        let without = self.verifiers.total(None) - leader.map_or(U256::ZERO, |l| self.weight(l));
        let alone = !Params::quorum(without, self.verifiers.total(None));
        let lacks = |(job, seqs): (&U256, &BTreeSet<u32>)| {
            seqs.is_empty() || lacked.get(job).is_some_and(|lacked| seqs.is_subset(lacked))
        };
        alone || dropped.iter().all(lacks)
    }

    /// Duties may differ by what a lost report or two explain: a verifier is not paid that reported on less than a quarter
    /// of the epochs, and not left out that reported on more than three quarters.
    fn duties_hold(&self, duties: u64) -> bool {
        self.verifiers.seats.iter().enumerate().all(|(i, seat)| {
            let (reported, epochs) = self.reports(seat.operator);
            match duties >> i & 1 {
                1 => 4 * reported >= epochs,
                _ => 4 * reported <= 3 * epochs && epochs > 0,
            }
        })
    }

    /// Duties alone keep it from a vote: it says so with an objection that names no job unless one differs.
    fn differing(&self, proposed: &Proposed) -> Answer {
        let differs = |job: &&JobSheet| {
            let own = self.sheets.get(&job.job);
            own.map(Sheet::digest) != Some(job.digest)
        };
        Answer::Differs(
            proposed
                .jobs
                .iter()
                .filter(differs)
                .map(|job| job.job)
                .collect(),
        )
    }

    /// The jobs as this verifier sees them, in as many parts as they need.
    fn object(&mut self, round: u64, number: u32, jobs: &BTreeSet<U256>) -> Vec<Output> {
        let mut parts: Vec<Vec<JobView>> = vec![Vec::new()];
        let mut room = MAX_NAMED;
        for job in jobs {
            let sheet = self.sheets.get(job).cloned().unwrap_or_default();
            let mut receipts: Vec<_> = sheet
                .entries
                .iter()
                .map(|(seq, entry)| (*seq, tag(&entry.receipt)))
                .collect();
            loop {
                let full = parts.last().is_none_or(|part| part.len() >= MAX_NAMED_JOBS);
                if full || room == 0 {
                    parts.push(Vec::new());
                    room = MAX_NAMED;
                }
                let rest = receipts.split_off(receipts.len().min(room));
                room -= receipts.len();
                if let Some(part) = parts.last_mut() {
                    part.push(JobView {
                        job: *job,
                        start: sheet.start,
                        end: sheet.end,
                        receipts,
                    });
                }
                if rest.is_empty() {
                    break;
                }
                receipts = rest;
            }
        }
        parts.truncate(MAX_PARTS as usize);
        let count = parts.len() as u32;
        let mut outputs = Vec::new();
        for (part, jobs) in (0u32..).zip(parts) {
            let objected = Objected {
                parts: count,
                duties: self.duties,
                jobs,
            };
            let name = objected.name(round, number, part);
            self.pending_objections.push((name.clone(), objected));
            outputs.push(Output::Sign(Draft::WorkObjection(name)));
        }
        outputs
    }
}

/// One job in all parts of an objection.
pub(super) struct Said {
    pub run: (u32, u32),
    /// Tags of receipts by segment.
    pub receipts: BTreeMap<u32, u64>,
}

impl Said {
    /// Receipts of a sheet that the author does not confirm: all of them where its run is another one.
    pub fn lacks(&self, sheet: &Sheet) -> BTreeSet<u32> {
        let near = joined((sheet.start, sheet.end), self.run).is_some();
        let lacks = sheet
            .entries
            .iter()
            .filter(|(seq, entry)| !near || self.receipts.get(seq) != Some(&tag(&entry.receipt)));
        lacks.map(|(seq, _)| *seq).collect()
    }
}

/// The jobs that an objection names, each once.
pub(super) fn views(parts: &BTreeMap<u32, Objected>) -> BTreeMap<U256, Said> {
    let mut views: BTreeMap<U256, Said> = BTreeMap::new();
    for job in parts.values().flat_map(|part| &part.jobs) {
        let said = views.entry(job.job).or_insert_with(|| Said {
            run: (job.start, job.end),
            receipts: BTreeMap::new(),
        });
        said.receipts.extend(job.receipts.iter().copied());
    }
    views
}

#[cfg(test)]
mod tests;
