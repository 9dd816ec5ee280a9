//! The leader's part: what it sees, and then what two thirds can confirm of it.

use std::collections::{BTreeMap, BTreeSet};

use assay_protocol::bls::BlsSignature;
use assay_protocol::certification::{
    JobSheet, MAX_JOBS, MAX_STRUCK, Objected, Proposed, SignedProposal, WorkProposal, tag,
};
use assay_protocol::draft::Draft;
use assay_protocol::params::Params;
use assay_protocol::round_work::{Sheet, list};
use assay_protocol::wire::Gossip;
use assay_protocol::{Address, U256};

use super::view::RoundView;
use super::{Certifier, Output, SECOND_BLOCKS};

/// Segments by job.
type Places = BTreeMap<U256, BTreeSet<u32>>;

/// A verifier's answer to the first proposal, beside the leader's sheets.
struct Statement {
    weight: U256,
    /// Bitmap of duties as its author sees them.
    duties: u64,
    /// What the leader confirms and it does not.
    lacks: Places,
    /// What it confirms and the leader does not.
    more: Places,
    /// Runs as it sees them where they differ.
    runs: BTreeMap<U256, (u32, u32)>,
}

impl Statement {
    fn lack(&self) -> usize {
        self.lacks.values().map(BTreeSet::len).sum()
    }
}

impl Certifier {
    pub(super) fn lead(&mut self, round: u64, turn: u32, passed: u64) -> Vec<Output> {
        let Some(view) = self.rounds.get_mut(&round) else {
            return Vec::new();
        };
        if Self::leader(view, turn).map(|(_, who)| who) != Some(self.me) {
            return Vec::new();
        }
        let (first, second) = (2 * turn, 2 * turn + 1);
        let led = |view: &RoundView, number| {
            view.proposals.contains_key(&number)
                || view
                    .pending_proposals
                    .iter()
                    .any(|(n, _)| n.number == number)
        };
        let (number, sheets, struck, duties) = if !led(view, first) {
            let duties = view.duties;
            (first, view.sheets.clone(), Places::new(), duties)
        } else if passed >= SECOND_BLOCKS && !led(view, second) {
            let Some((sheets, struck, duties)) = reduced(view, self.me, first) else {
                return Vec::new();
            };
            (second, sheets, struck, duties)
        } else {
            return Vec::new();
        };
        let (sheets, struck) = bounded(sheets, struck);
        let list = list(round, sheets.values(), &view.transcoders, &self.rule);
        if list.is_empty() {
            return Vec::new();
        }
        let work = list.work(&self.domain, duties);
        let places: BTreeMap<_, _> = (0u32..)
            .zip(sheets.keys())
            .map(|(i, job)| (*job, i))
            .collect();
        let proposed = Proposed {
            jobs: sheets
                .iter()
                .map(|(job, sheet)| JobSheet {
                    job: *job,
                    start: sheet.start,
                    end: sheet.end,
                    digest: sheet.digest(),
                })
                .collect(),
            struck: struck
                .into_iter()
                .filter_map(|(job, seqs)| Some((*places.get(&job)?, seqs.into_iter().collect())))
                .collect(),
            claims: list.claims,
            work: work.clone(),
        };
        let name = proposed.name(number);
        view.pending_proposals.push((name.clone(), proposed));
        view.answered.insert(number);
        vec![
            Output::Sign(Draft::WorkProposal(name)),
            Output::Sign(Draft::RoundWork { work, number }),
        ]
    }

    pub(super) fn on_own_proposal(
        &mut self,
        name: &WorkProposal,
        signature: BlsSignature,
    ) -> Vec<Output> {
        let me = self.me;
        let Some(view) = self.rounds.get_mut(&name.round) else {
            return Vec::new();
        };
        let Some(at) = view.pending_proposals.iter().position(|(n, _)| n == name) else {
            return Vec::new();
        };
        let (_, proposed) = view.pending_proposals.swap_remove(at);
        let signed = SignedProposal {
            number: name.number,
            leader: me,
            proposed,
            signature,
        };
        view.proposals.insert(name.number, signed.clone());
        vec![Output::Gossip(Gossip::WorkProposal(Box::new(signed)))]
    }
}

/// The leader's sheets without what keeps two thirds from confirming them, what was struck, and the duties. `None` where
/// fewer have answered, or nobody of them differs.
fn reduced(
    view: &RoundView,
    me: Address,
    first: u32,
) -> Option<(BTreeMap<U256, Sheet>, Places, u64)> {
    let proposal = view.proposals.get(&first)?;
    let own_digest = view
        .votes
        .iter()
        .find(|(_, v)| v.work == proposal.proposed.work);
    let mut statements: Vec<Statement> = Vec::new();
    for seat in view.verifiers.seats.iter().filter(|s| s.operator != me) {
        let voted = own_digest.is_some_and(|(_, v)| v.signatures.contains_key(&seat.operator));
        let parts = view.objections.get(&(first, seat.operator));
        let statement = match parts.filter(|_| !voted) {
            Some(parts) => stated(view, parts, seat.weight),
            None if voted => Statement {
                weight: seat.weight,
                duties: view.duties,
                lacks: Places::new(),
                more: Places::new(),
                runs: BTreeMap::new(),
            },
            None => continue,
        };
        statements.push(statement);
    }
    // Who lacks least first: whoever objects to everything only excludes itself.
    statements.sort_by_key(Statement::lack);
    let total = view.verifiers.total(None);
    let mut weight = view.weight(me);
    let mut chosen = Vec::new();
    for statement in statements {
        if Params::quorum(weight, total) && statement.lack() > 0 {
            break;
        }
        weight += statement.weight;
        chosen.push(statement);
    }
    let differ = |s: &Statement| {
        s.lack() > 0 || !s.more.is_empty() || !s.runs.is_empty() || s.duties != view.duties
    };
    if !Params::quorum(weight, total) || !chosen.iter().any(differ) {
        return None;
    }
    let mut sheets = view.sheets.clone();
    let mut struck = Places::new();
    for statement in &chosen {
        for (job, (start, end)) in &statement.runs {
            if let Some(sheet) = sheets.get_mut(job) {
                sheet.start = sheet.start.min(*start);
                sheet.end = sheet.end.max(*end);
            }
        }
        for (job, seqs) in statement.lacks.iter().chain(&statement.more) {
            struck.entry(*job).or_default().extend(seqs);
        }
    }
    for (job, seqs) in &struck {
        if let Some(sheet) = sheets.get_mut(job) {
            sheet.strike(&seqs.iter().copied().collect::<Vec<_>>());
        }
    }
    sheets.retain(|_, sheet| !sheet.entries.is_empty());
    struck.retain(|job, _| sheets.contains_key(job));
    // By weight of those whose statements are taken, the leader's among them.
    let duties = (0..view.verifiers.seats.len()).fold(0u64, |bits, i| {
        let says = |duties: u64| duties >> i & 1 == 1;
        let own = if says(view.duties) {
            view.weight(me)
        } else {
            U256::ZERO
        };
        let yes = chosen
            .iter()
            .filter(|s| says(s.duties))
            .fold(own, |sum, s| sum + s.weight);
        bits | u64::from(yes * U256::from(2) >= weight) << i
    });
    Some((sheets, struck, duties))
}

/// An objection beside the leader's sheets.
fn stated(view: &RoundView, parts: &BTreeMap<u32, Objected>, weight: U256) -> Statement {
    let mut jobs: BTreeMap<U256, (u32, u32, BTreeMap<u32, u64>)> = BTreeMap::new();
    for job in parts.values().flat_map(|part| &part.jobs) {
        let entry = jobs
            .entry(job.job)
            .or_insert((job.start, job.end, BTreeMap::new()));
        entry.2.extend(job.receipts.iter().copied());
    }
    let mut statement = Statement {
        weight,
        duties: parts
            .values()
            .next()
            .map_or(view.duties, |part| part.duties),
        lacks: Places::new(),
        more: Places::new(),
        runs: BTreeMap::new(),
    };
    for (job, (start, end, receipts)) in jobs {
        let Some(sheet) = view.sheets.get(&job) else {
            continue;
        };
        if !receipts.is_empty() && (start, end) != (sheet.start, sheet.end) {
            statement.runs.insert(job, (start, end));
        }
        let lacks = sheet
            .entries
            .iter()
            .filter(|(seq, entry)| receipts.get(seq) != Some(&tag(&entry.receipt)))
            .map(|(seq, _)| *seq);
        let lacks: BTreeSet<_> = lacks.collect();
        let more: BTreeSet<_> = receipts
            .keys()
            .filter(|seq| !sheet.entries.contains_key(seq))
            .copied()
            .collect();
        if !lacks.is_empty() {
            statement.lacks.insert(job, lacks);
        }
        if !more.is_empty() {
            statement.more.insert(job, more);
        }
    }
    statement
}

/// What fits a message: the jobs with most receipts, and not more strikes than it holds.
fn bounded(
    mut sheets: BTreeMap<U256, Sheet>,
    mut struck: Places,
) -> (BTreeMap<U256, Sheet>, Places) {
    let count = |struck: &Places| struck.values().map(BTreeSet::len).sum::<usize>();
    while count(&struck) > MAX_STRUCK {
        let most = struck.iter().max_by_key(|(_, seqs)| seqs.len());
        let Some(job) = most.map(|(job, _)| *job) else {
            break;
        };
        struck.remove(&job);
        sheets.remove(&job);
    }
    while sheets.len() > MAX_JOBS {
        let least = sheets.iter().min_by_key(|(_, sheet)| sheet.entries.len());
        let Some(job) = least.map(|(job, _)| *job) else {
            break;
        };
        struck.remove(&job);
        sheets.remove(&job);
    }
    (sheets, struck)
}
