//! What two thirds can confirm of what the leader sees, by the others' answers to its first proposal.
//!
//! An answer is an unproven statement: it may name runs and receipts that do not exist. So it never costs more than its
//! author's place among those whose statements are taken. Runs are widened no further than everybody concerned confirms
//! ([`joined`]), and a statement that needs more strikes than a proposal holds is left out.

use std::collections::{BTreeMap, BTreeSet};

use assay_protocol::certification::{MAX_STRUCK, Objected};
use assay_protocol::params::Params;
use assay_protocol::round_work::Sheet;
use assay_protocol::{Address, U256};

use super::answer::views;
use super::runs::{fits, joined};
use super::view::RoundView;

/// Segments by job.
pub(super) type Places = BTreeMap<U256, BTreeSet<u32>>;
/// First segment and the one after the last, by job.
type Runs = BTreeMap<U256, (u32, u32)>;

/// A verifier's answer to the first proposal, beside the leader's sheets.
struct Statement {
    weight: U256,
    /// Bitmap of duties as its author sees them.
    duties: u64,
    /// What the leader confirms and it does not.
    lacks: Places,
    /// What it confirms and the leader does not, with the receipts' tags.
    more: BTreeMap<U256, BTreeMap<u32, u64>>,
    /// Of these, how many at most a third names: nobody honest need have seen them.
    alone: usize,
    /// Runs as it sees them where they differ.
    runs: Runs,
}

impl Statement {
    /// The statement of who voted for the proposal.
    fn agreeing(view: &RoundView, weight: U256) -> Self {
        Self {
            weight,
            duties: view.duties,
            lacks: Places::new(),
            more: BTreeMap::new(),
            alone: 0,
            runs: Runs::new(),
        }
    }

    /// An objection beside the leader's sheets; `None` where it names more than any proposal can strike.
    fn objecting(view: &RoundView, parts: &BTreeMap<u32, Objected>, weight: U256) -> Option<Self> {
        let mut statement = Self::agreeing(view, weight);
        if let Some(part) = parts.values().next() {
            statement.duties = part.duties;
        }
        for (job, said) in views(parts) {
            let Some(sheet) = view.sheets.get(&job) else {
                continue;
            };
            let lacks = said.lacks(sheet);
            if !lacks.is_empty() {
                statement.lacks.insert(job, lacks);
            }
            let own = (sheet.start, sheet.end);
            // Over another run its author confirms nothing, and what it names besides does not matter.
            if said.receipts.is_empty() || joined(own, said.run).is_none() {
                continue;
            }
            if said.run != own {
                statement.runs.insert(job, said.run);
            }
            let run = said.run.0..said.run.1;
            let more: BTreeMap<_, _> = said
                .receipts
                .into_iter()
                .filter(|(seq, _)| run.contains(seq) && !sheet.entries.contains_key(seq))
                .collect();
            if !more.is_empty() {
                statement.more.insert(job, more);
            }
        }
        let more: usize = statement.more.values().map(BTreeMap::len).sum();
        (more <= MAX_STRUCK).then_some(statement)
    }

    /// What it costs to take the statement: receipts that are struck, and strikes that nothing but its author asks for.
    fn cost(&self) -> usize {
        self.lacks.values().map(BTreeSet::len).sum::<usize>() + self.alone
    }

    fn differs(&self, duties: u64) -> bool {
        let named = !self.lacks.is_empty() || !self.more.is_empty();
        named || !self.runs.is_empty() || self.duties != duties
    }

    /// The segments that are struck for it.
    fn strikes(&self) -> impl Iterator<Item = (&U256, Vec<u32>)> {
        let lacks = self.lacks.iter();
        let lacks = lacks.map(|(job, seqs)| (job, seqs.iter().copied().collect()));
        let more = self.more.iter();
        lacks.chain(more.map(|(job, seqs)| (job, seqs.keys().copied().collect())))
    }
}

/// Statements that are taken together, and what follows from them.
struct Taken<'a> {
    statements: Vec<&'a Statement>,
    weight: U256,
    struck: Places,
    runs: Runs,
}

impl<'a> Taken<'a> {
    /// The cheapest statements that make two thirds with the leader's weight. `all` takes what single authors lack even if
    /// it is more than a proposal strikes; whole jobs are left out then.
    fn of(statements: &'a [Statement], view: &RoundView, me: Address, all: bool) -> Option<Self> {
        let total = view.verifiers.total(None);
        let mut taken = Self {
            statements: Vec::new(),
            weight: view.weight(me),
            struck: Places::new(),
            runs: Runs::new(),
        };
        for statement in statements {
            // Who lacks least first: whoever objects to everything only excludes itself.
            if Params::quorum(taken.weight, total) && statement.cost() > 0 {
                break;
            }
            let mut struck = taken.struck.clone();
            for (job, seqs) in statement.strikes() {
                struck.entry(*job).or_default().extend(seqs);
            }
            let holds = strikes(view, &struck) <= MAX_STRUCK;
            let runs = taken.widened(statement, view);
            if let Some(runs) = runs.filter(|_| holds || all && statement.alone == 0) {
                taken.weight += statement.weight;
                taken.statements.push(statement);
                taken.struck = struck;
                taken.runs = runs;
            }
        }
        Params::quorum(taken.weight, total).then_some(taken)
    }

    /// The runs with those of a further statement, if the leader and all who are taken confirm them.
    fn widened(&self, statement: &Statement, view: &RoundView) -> Option<Runs> {
        let mut runs = self.runs.clone();
        for (job, said) in &statement.runs {
            let sheet = view.sheets.get(job)?;
            let own = (sheet.start, sheet.end);
            let run = runs.get(job).copied().unwrap_or(own);
            let both = (run.0.min(said.0), run.1.max(said.1));
            let seen = self.statements.iter().filter_map(|s| s.runs.get(job));
            if !seen.chain([&own, said]).all(|seen| fits(*seen, both)) {
                return None;
            }
            runs.insert(*job, both);
        }
        Some(runs)
    }
}

/// Strikes that a proposal has to name: of a job that is struck entirely none.
fn strikes(view: &RoundView, struck: &Places) -> usize {
    let whole = |job: &U256, seqs: &BTreeSet<u32>| {
        let sheet = view.sheets.get(job);
        sheet.is_none_or(|sheet| sheet.entries.keys().all(|seq| seqs.contains(seq)))
    };
    let partly = struck.iter().filter(|(job, seqs)| !whole(job, seqs));
    partly.map(|(_, seqs)| seqs.len()).sum()
}

/// The leader's sheets without what keeps two thirds from confirming them, what was struck, and the duties. `None` where
/// fewer have answered, or nobody of them differs.
pub(super) fn reduced(
    view: &RoundView,
    me: Address,
    first: u32,
) -> Option<(BTreeMap<U256, Sheet>, Places, u64)> {
    let statements = statements(view, me, first)?;
    let taken = Taken::of(&statements, view, me, false)
        .or_else(|| Taken::of(&statements, view, me, true))?;
    if !taken.statements.iter().any(|s| s.differs(view.duties)) {
        return None;
    }
    let mut sheets = view.sheets.clone();
    for (job, (start, end)) in &taken.runs {
        if let Some(sheet) = sheets.get_mut(job) {
            (sheet.start, sheet.end) = (*start, *end);
        }
    }
    let mut struck = taken.struck;
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
        let yes = taken
            .statements
            .iter()
            .filter(|s| says(s.duties))
            .fold(own, |sum, s| sum + s.weight);
        bits | u64::from(yes * U256::from(2) >= taken.weight) << i
    });
    Some((sheets, struck, duties))
}

/// What the others say of the leader's first proposal, in the order of what it costs to take it.
fn statements(view: &RoundView, me: Address, first: u32) -> Option<Vec<Statement>> {
    let proposal = view.proposals.get(&first)?;
    let votes = view
        .votes
        .values()
        .find(|votes| votes.work == proposal.proposed.work);
    let mut statements: Vec<Statement> = Vec::new();
    for seat in view.verifiers.seats.iter().filter(|s| s.operator != me) {
        let voted = votes.is_some_and(|votes| votes.signatures.contains_key(&seat.operator));
        let parts = view.objections.get(&(first, seat.operator));
        statements.extend(match parts {
            _ if voted => Some(Statement::agreeing(view, seat.weight)),
            Some(parts) => Statement::objecting(view, parts, seat.weight),
            None => None,
        });
    }
    // A receipt that more than a third names was seen by somebody honest.
    let mut named: BTreeMap<(U256, u32, u64), U256> = BTreeMap::new();
    for statement in &statements {
        for place in places(statement) {
            *named.entry(place).or_default() += statement.weight;
        }
    }
    let total = view.verifiers.total(None);
    for statement in &mut statements {
        let alone = places(statement).filter(|place| named[place] * U256::from(3) <= total);
        statement.alone = alone.count();
    }
    statements.sort_by_key(Statement::cost);
    Some(statements)
}

/// What a statement names beyond the leader's receipts.
fn places(statement: &Statement) -> impl Iterator<Item = (U256, u32, u64)> {
    let jobs = statement.more.iter();
    jobs.flat_map(|(job, more)| more.iter().map(|(seq, tag)| (*job, *seq, *tag)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_protocol::B256;
    use assay_protocol::bls::{BlsKey, BlsSignature};
    use assay_protocol::certification::{JobView, Proposed, SignedProposal, tag};
    use assay_protocol::fraud_proof::{VerifierSeat, VerifierSet};
    use assay_protocol::round_work::Entry;

    /// A run with so many gaps that one verifier can name more receipts in them than a proposal strikes.
    const END: u32 = 20_000;
    const GAPS: u32 = 5;

    fn operator(i: u8) -> Address {
        Address::with_last_byte(i + 1)
    }

    fn receipt(seq: u32) -> B256 {
        assay_protocol::keccak256(seq.to_be_bytes())
    }

    fn job() -> U256 {
        U256::from(1)
    }

    /// What the first of four verifiers sees, which leads.
    fn view() -> RoundView {
        let entry = |seq| Entry {
            receipt: receipt(seq),
            transcoder: Address::ZERO,
            pixels: 1,
        };
        let sheet = Sheet {
            start: 0,
            end: END,
            entries: (0..END)
                .filter(|seq| seq % GAPS != 0)
                .map(|seq| (seq, entry(seq)))
                .collect(),
        };
        let seat = |i: u8| VerifierSeat {
            operator: operator(i),
            key: BlsKey::derive(&[i + 1; 32]).unwrap().public(),
            weight: U256::from(1),
        };
        let proposal = SignedProposal {
            number: 0,
            leader: operator(0),
            proposed: Proposed::default(),
            signature: BlsSignature::from_bytes([0; 48]),
        };
        RoundView {
            verifiers: VerifierSet {
                round: 0,
                seats: (0..4).map(seat).collect(),
            },
            sheets: BTreeMap::from([(job(), sheet)]),
            proposals: BTreeMap::from([(0, proposal)]),
            ..RoundView::default()
        }
    }

    /// The verifier objects: it lacks the first ones of these, and names the others besides.
    fn object(view: &mut RoundView, i: u8, lacks: &[u32], more: impl Iterator<Item = u32>) {
        let sheet = &view.sheets[&job()];
        let seqs = sheet.entries.keys().copied().filter(|s| !lacks.contains(s));
        let receipts: BTreeMap<_, _> = seqs
            .chain(more)
            .map(|seq| (seq, tag(&receipt(seq))))
            .collect();
        let objected = Objected {
            parts: 1,
            duties: view.duties,
            jobs: vec![JobView {
                job: job(),
                start: 0,
                end: END,
                receipts: receipts.into_iter().collect(),
            }],
        };
        let parts = BTreeMap::from([(0, objected)]);
        view.objections.insert((0, operator(i)), parts);
    }

    #[test]
    fn who_names_more_than_can_be_struck_is_left_out_and_the_job_is_not() {
        let mut view = view();
        // Alone it is too many by one; or so many that what the others lack does not fit beside them.
        for named in [MAX_STRUCK + 1, MAX_STRUCK] {
            let gaps = (0..END).step_by(GAPS as usize).take(named);
            object(&mut view, 1, &[], gaps);
            object(&mut view, 2, &[1], [].into_iter());
            object(&mut view, 3, &[2, 3], [].into_iter());
            let (sheets, struck, _) = reduced(&view, operator(0), 0).unwrap();
            assert_eq!(struck, Places::from([(job(), BTreeSet::from([1, 2, 3]))]));
            assert_eq!(sheets[&job()].entries.len() as u32, END / GAPS * 4 - 3);
        }
    }

    #[test]
    fn a_receipt_that_only_the_leader_has_missed_costs_its_witnesses_nothing() {
        let mut view = view();
        object(&mut view, 1, &[], [5].into_iter());
        object(&mut view, 2, &[], [5].into_iter());
        object(&mut view, 3, &[1], [10].into_iter());
        let (_, struck, _) = reduced(&view, operator(0), 0).unwrap();
        assert_eq!(struck, Places::from([(job(), BTreeSet::from([5]))]));
    }

    #[test]
    fn receipts_that_one_names_alone_are_struck_where_two_thirds_need_it() {
        let mut view = view();
        object(&mut view, 1, &[], [5].into_iter());
        object(&mut view, 2, &[], [10].into_iter());
        let (_, struck, _) = reduced(&view, operator(0), 0).unwrap();
        assert_eq!(struck, Places::from([(job(), BTreeSet::from([5, 10]))]));
    }

    #[test]
    fn what_two_thirds_lack_beyond_the_bound_still_leaves_a_proposal() {
        let mut view = view();
        let many: Vec<_> = (1..END).step_by(GAPS as usize).collect();
        assert!(many.len() > MAX_STRUCK);
        object(&mut view, 1, &many, [].into_iter());
        object(&mut view, 2, &many, [].into_iter());
        let (_, struck, _) = reduced(&view, operator(0), 0).unwrap();
        assert_eq!(struck[&job()].len(), many.len());
    }
}
