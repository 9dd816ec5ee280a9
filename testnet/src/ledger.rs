//! Counts what the nodes tell: the figures of the summary and of the JSON report.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use assay_node::Notice;
use assay_protocol::verdict::LeafId;
use assay_protocol::{Address, B256, U256};

/// A transcoder's figures.
#[derive(Clone, Debug, Default)]
pub struct TranscoderFigures {
    /// Segments receipted.
    pub segments: u64,
    /// Leaves made worse than promised.
    pub cheats: u64,
    /// Distinct leaves accused.
    pub accused: BTreeSet<LeafId>,
    /// Base units of LPT cut from its pool.
    pub slashed: U256,
}

/// A verifier's figures.
#[derive(Clone, Copy, Debug, Default)]
pub struct VerifierFigures {
    /// Drawn leaves recomputed.
    pub samples: u64,
    /// Of them right.
    pub passes: u64,
    /// Of them wrong.
    pub mismatches: u64,
}

/// One transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tx {
    /// Its hash.
    pub hash: B256,
    /// Gas used.
    pub gas: u64,
    /// Its block.
    pub block: u64,
}

/// One case.
#[derive(Clone, Debug)]
pub struct CaseFigures {
    /// The accused.
    pub operator: Address,
    /// The leaf.
    pub leaf: LeafId,
    /// Block of the opening.
    pub opened: u64,
    /// When the opening was first seen.
    pub seen: Instant,
    /// The proving transaction and the proof's file.
    pub prove: Option<(Tx, PathBuf)>,
    /// The executing transaction.
    pub execute: Option<Tx>,
    /// Block of the execution.
    pub executed: Option<u64>,
    /// Base units of LPT.
    pub burned: U256,
    /// Verifiers who signed, by their positions in the round.
    pub bitmap: U256,
    /// Base units of LPT, by verifier.
    pub paid: BTreeMap<Address, U256>,
    /// The finder, and base units of LPT: none until the case is settled. Zero, where nobody has claimed and they burned.
    pub finder: Option<(Address, U256)>,
}

/// Blocks after an execution in which signers are expected to take their part.
const PAY_BLOCKS: u64 = 12;

impl CaseFigures {
    /// Whether signers' parts are still outstanding at `block`; who has not asked after a while never will.
    pub fn unpaid(&self, block: u64) -> bool {
        let Some(executed) = self.executed else {
            return true;
        };
        self.paid.len() < self.bitmap.count_ones() && block < executed + PAY_BLOCKS
    }
}

/// A ticket that the chain has paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payment {
    /// The transcoder.
    pub to: Address,
    /// Wei taken from the broadcaster.
    pub paid: U256,
    /// Of it, wei that are burned.
    pub burned: U256,
}

/// Blocks after the evidence window in which winners are expected to be redeemed.
const REDEEM_BLOCKS: u64 = 12;

/// All figures.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    /// By account.
    pub transcoders: BTreeMap<Address, TranscoderFigures>,
    /// By account.
    pub verifiers: BTreeMap<Address, VerifierFigures>,
    /// By case id.
    pub cases: BTreeMap<B256, CaseFigures>,
    /// Cases that ended without a slash: one fault with another, usually.
    pub closed: BTreeSet<B256>,
    /// Transcoder and time of each receipt.
    pub receipts: BTreeMap<B256, (Address, Instant)>,
    /// Winning tickets and who has them.
    pub won: BTreeMap<B256, Address>,
    /// Tickets that were paid.
    pub payments: BTreeMap<B256, Payment>,
    /// Segments receipted or given up.
    pub delivered: BTreeSet<u32>,
    /// Segments nobody delivered.
    pub gaps: BTreeSet<u32>,
    /// Who was named for each segment's attempts, in order.
    pub electees: Vec<(u32, u8, Address)>,
    /// Leaves that a verifier has drawn and recomputed.
    pub sampled: BTreeSet<LeafId>,
    /// Leaves of all receipts.
    pub leaves: u64,
    /// CPU time of transcoders' workers.
    pub encode_cpu: Duration,
    /// CPU time of verifiers' workers.
    pub verify_cpu: Duration,
    /// Latest block seen.
    pub block: u64,
    /// The latest round, and the block at which it was heard of first.
    pub round: (u64, u64),
    /// Demand in pixels of certified rounds.
    pub certified: BTreeMap<u64, u64>,
    /// Base units of LPT that pools were paid, by round, operator, and whether for duty.
    pub minted: BTreeMap<(u64, Address, bool), U256>,
    /// Latest deadline of an assignment.
    pub last_deadline: u64,
    /// Reports held against their draws, by verifier and epoch: drawn and missed.
    pub duties: BTreeMap<(Address, u64), (usize, usize)>,
    proofs: BTreeMap<(Address, LeafId), PathBuf>,
    /// By receipt: who sent a proof of it.
    proving: BTreeMap<B256, Vec<(Address, Tx)>>,
}

impl Ledger {
    /// Takes in what the node of `who` tells at `at`.
    pub fn note(&mut self, who: Address, at: Instant, notice: &Notice) {
        match notice {
            Notice::Block(number) => self.block = self.block.max(*number),
            Notice::Round(round) if *round > self.round.0 => self.round = (*round, self.block),
            Notice::Assigned {
                seq,
                attempt,
                transcoder,
                deadline,
                ..
            } => {
                self.electees.push((*seq, *attempt, *transcoder));
                self.last_deadline = self.last_deadline.max(*deadline);
            }
            Notice::Receipted {
                receipt,
                leaves,
                tampered,
                ..
            } => {
                let figures = self.transcoders.entry(who).or_default();
                figures.segments += 1;
                figures.cheats += tampered.len() as u64;
                self.receipts.insert(*receipt, (who, at));
                self.leaves += u64::from(*leaves);
            }
            Notice::TicketsWon { tickets } => {
                self.won.extend(tickets.iter().map(|ticket| (*ticket, who)));
            }
            Notice::TicketPaid {
                ticket,
                paid,
                burned,
            } => {
                let payment = Payment {
                    to: who,
                    paid: *paid,
                    burned: *burned,
                };
                self.payments.insert(*ticket, payment);
            }
            Notice::Delivered { seq, .. } => drop(self.delivered.insert(*seq)),
            Notice::Gap { seq } => drop(self.gaps.insert(*seq)),
            Notice::Transcoded { cpu } => self.encode_cpu += *cpu,
            Notice::Recomputed { cpu, .. } => self.verify_cpu += *cpu,
            Notice::Sampled { leaf, pass } => {
                self.sampled.insert(*leaf);
                let figures = self.verifiers.entry(who).or_default();
                figures.samples += 1;
                *(if *pass {
                    &mut figures.passes
                } else {
                    &mut figures.mismatches
                }) += 1;
            }
            Notice::Accused(leaf) => {
                if let Some((transcoder, _)) = self.receipts.get(&leaf.receipt) {
                    self.transcoders
                        .entry(*transcoder)
                        .or_default()
                        .accused
                        .insert(*leaf);
                }
            }
            Notice::Quorum { leaf, file, .. } => {
                drop(self.proofs.insert((who, *leaf), file.clone()))
            }
            Notice::Duty {
                verifier,
                epoch,
                drawn,
                missed,
            } => {
                self.duties.insert((*verifier, *epoch), (*drawn, *missed));
            }
            Notice::CaseOpened {
                case,
                operator,
                leaf,
                bitmap,
                block,
            } if !self.closed.contains(case) => {
                self.cases.entry(*case).or_insert_with(|| CaseFigures {
                    operator: *operator,
                    leaf: *leaf,
                    opened: *block,
                    seen: at,
                    prove: None,
                    execute: None,
                    executed: None,
                    burned: U256::ZERO,
                    bitmap: *bitmap,
                    paid: BTreeMap::new(),
                    finder: None,
                });
                self.settle_proving();
            }
            Notice::SignersJoined { case, bitmap } => {
                if let Some(figures) = self.cases.get_mut(case) {
                    figures.bitmap = *bitmap;
                }
            }
            Notice::Slashed {
                case,
                operator,
                slashed,
                burned,
                block,
            } => {
                if let Some(figures) = self.cases.get_mut(case).filter(|f| f.executed.is_none()) {
                    figures.executed = Some(*block);
                    figures.burned = *burned;
                    self.transcoders.entry(*operator).or_default().slashed += *slashed;
                }
            }
            Notice::CaseClosed { case, .. } => {
                self.cases.remove(case);
                self.closed.insert(*case);
            }
            Notice::Certified { round, pixels } => drop(self.certified.insert(*round, *pixels)),
            Notice::Minted {
                round,
                operator,
                duty,
                amount,
            } => drop(self.minted.insert((*round, *operator, *duty), *amount)),
            Notice::SignerPaid {
                case,
                verifier,
                amount,
            } => {
                if let Some(figures) = self.cases.get_mut(case) {
                    figures.paid.insert(*verifier, *amount);
                }
            }
            Notice::FinderPaid {
                case,
                finder,
                amount,
            } => {
                if let Some(figures) = self.cases.get_mut(case) {
                    figures.finder = Some((*finder, *amount));
                }
            }
            Notice::Transaction {
                what,
                hash,
                gas,
                block,
                about,
            } => {
                let tx = Tx {
                    hash: *hash,
                    gas: *gas,
                    block: *block,
                };
                match *what {
                    "prove" => self.proving.entry(*about).or_default().push((who, tx)),
                    "execute" => {
                        if let Some(figures) = self.cases.get_mut(about) {
                            figures.execute = Some(tx);
                        }
                    }
                    _ => {}
                }
                self.settle_proving();
            }
            _ => {}
        }
    }

    /// Winners that are not paid, of transcoders without a case: theirs are void.
    pub fn unpaid_tickets(&self) -> usize {
        let accused = |who: &Address| self.cases.values().any(|case| case.operator == *who);
        let open = self
            .won
            .iter()
            .filter(|(ticket, _)| !self.payments.contains_key(*ticket));
        open.filter(|(_, who)| !accused(who)).count()
    }

    /// Whether winners may still be paid at `block`; `evidence` is the window after a deadline.
    pub fn awaits_payments(&self, block: u64, evidence: u64) -> bool {
        self.unpaid_tickets() > 0 && block < self.last_deadline + evidence + REDEEM_BLOCKS
    }

    /// Brings cases together with the transactions that opened them and the proofs' files.
    fn settle_proving(&mut self) {
        for figures in self
            .cases
            .values_mut()
            .filter(|figures| figures.prove.is_none())
        {
            let sent = self.proving.get(&figures.leaf.receipt);
            let opening = sent.into_iter().flatten();
            // Of two in one block the one that opened the case; joining it costs less.
            let opening = opening.filter(|(_, tx)| tx.block == figures.opened);
            let Some((who, tx)) = opening.max_by_key(|(_, tx)| tx.gas) else {
                continue;
            };
            // Who submits for another that went away has no file of its own.
            let of_others = || {
                self.proofs
                    .iter()
                    .find(|((_, leaf), _)| *leaf == figures.leaf)
            };
            let own = self.proofs.get(&(*who, figures.leaf));
            if let Some(file) = own.or_else(|| Some(of_others()?.1)) {
                figures.prove = Some((*tx, file.clone()));
            }
        }
    }

    /// Cases not executed yet.
    pub fn open_cases(&self) -> usize {
        self.cases
            .values()
            .filter(|figures| figures.executed.is_none())
            .count()
    }

    /// Whether nobody but the first electee was named for a segment.
    pub fn is_first(&self, seq: u32) -> bool {
        (self.electees.iter()).all(|(of, attempt, _)| *of != seq || *attempt == 0)
    }

    /// Leaves accused so far.
    pub fn accused(&self) -> usize {
        self.transcoders.values().map(|t| t.accused.len()).sum()
    }

    /// Base units of LPT that an operator's pool of one role was paid for certified work or duty.
    pub fn minted_to(&self, operator: Address, as_verifier: bool) -> U256 {
        self.minted
            .iter()
            .filter(|((_, who, duty), _)| *who == operator && *duty == as_verifier)
            .fold(U256::ZERO, |sum, (_, amount)| sum + *amount)
    }

    /// Whether a case against the operator was executed.
    pub fn was_slashed(&self, operator: Address) -> bool {
        self.cases
            .values()
            .any(|figures| figures.operator == operator && figures.executed.is_some())
    }

    /// Drawn leaves that were not in their verifier's report in time: on a slow machine, not a fault of the protocol.
    pub fn late_samples(&self) -> usize {
        self.duties.values().map(|(_, missed)| missed).sum()
    }
}
