//! Facts become the report.

use std::collections::BTreeMap;

use assay_protocol::Address;
use assay_protocol::params::Params;
use assay_verifier::Note;

use super::BLOCK_MILLIS;
use super::chain::Chain;
use super::clock::Millis;
use super::report::{CaseOutcome, Fact, ReceiptTruth, Report};

/// Counts while the run goes on.
pub(super) struct Ledger {
    params: Params,
    report: Report,
    asked: usize,
    /// Missed draws by verifier and epoch: the least that any honest observer counted.
    duties: BTreeMap<(Address, u64), usize>,
}

impl Ledger {
    pub fn new(params: Params, transcoders: Vec<Address>, verifiers: Vec<Address>) -> Self {
        Self {
            params,
            report: Report {
                transcoders,
                verifiers,
                ..Report::default()
            },
            asked: 0,
            duties: BTreeMap::new(),
        }
    }

    fn finished(&self) -> usize {
        self.report.delivered.len() + self.report.gaps.len()
    }

    /// A segment is handed to the broadcaster; gives its number.
    pub fn ask(&mut self) -> usize {
        self.asked += 1;
        let in_flight = self.asked - self.finished();
        self.report.most_in_flight = self.report.most_in_flight.max(in_flight);
        self.asked - 1
    }

    /// Whether every one of `segments` is delivered or given up.
    pub fn complete(&self, segments: u32) -> bool {
        self.finished() == segments as usize
    }

    pub fn refuse(&mut self, reason: String) {
        self.report.refused.push(reason);
    }

    pub fn take(&mut self, fact: Fact, by: Address, at: Millis) {
        let report = &mut self.report;
        match fact {
            Fact::Delivered { seq, transcoder } => {
                report.delivered.insert(seq, transcoder);
            }
            Fact::Gap { seq } => {
                report.gaps.insert(seq);
            }
            Fact::Skipped { seq, skip } => report.skips.push((seq, skip)),
            Fact::Receipted {
                receipt,
                transcoder,
                deadline,
                wrong,
            } => {
                let truth = ReceiptTruth {
                    transcoder,
                    at,
                    signed_block: deadline - self.params.response_blocks,
                    wrong,
                };
                report.receipts.insert(receipt, truth);
            }
            Fact::SlotTaken => *report.slots_taken.entry(by).or_default() += 1,
            Fact::Noted { honest: false, .. } => {}
            Fact::Noted { note, .. } => match note {
                Note::Drawn(leaf) => {
                    report.drawn.entry(leaf).or_default().insert(by);
                }
                Note::Sampled { .. } => report.samples += 1,
                Note::Mismatch { leaf, .. } => {
                    report.mismatches.insert(leaf);
                }
                Note::Acquitted(leaf) => {
                    report.acquitted.insert(leaf);
                }
                Note::Duty {
                    verifier,
                    epoch,
                    missed,
                    ..
                } => {
                    let least = self.duties.entry((verifier, epoch)).or_insert(missed);
                    *least = missed.min(*least);
                }
                Note::Quorum { .. } | Note::Trouble { .. } => {}
            },
        }
    }

    /// The report of a run that has ended.
    pub fn close(mut self, chain: &Chain) -> Report {
        for ((verifier, _), missed) in &self.duties {
            *self.report.missed.entry(*verifier).or_default() += missed;
        }
        let report = &mut self.report;
        report.blocks = chain.head;
        let lists = chain.certified.iter();
        report.certified = lists
            .map(|(round, (work, _))| (*round, work.clone()))
            .collect();
        report.stakes = chain.transcoders.clone();
        report.verifier_stakes = chain.verifiers.clone();
        for (number, round) in &chain.rounds {
            let weights = round.transcoders.candidates.iter();
            let weights = weights.map(|c| (c.operator, c.weight)).collect();
            report.weights.insert(*number, weights);
            report.round_blocks.insert(*number, round.opened);
        }
        for rejection in chain.news.values().flat_map(|n| &n.rejected) {
            *report.rejections.entry(*rejection).or_default() += 1;
        }
        let mut cases: Vec<_> = chain.court.cases.values().collect();
        cases.sort_by_key(|case| (case.opened, case.leaf));
        for case in cases {
            let made = report.receipts.get(&case.leaf.receipt).map(|r| r.at);
            report.cases.push(CaseOutcome {
                kind: case.kind,
                operator: case.operator,
                leaf: case.leaf,
                signed_block: case.signed_block,
                opened: case.opened,
                executed: case.executed,
                signers: case.signers.clone(),
                after: made.map_or(0, |at| (case.opened * BLOCK_MILLIS).saturating_sub(at)),
            });
        }
        self.report
    }

    pub fn report(&mut self) -> &mut Report {
        &mut self.report
    }
}
