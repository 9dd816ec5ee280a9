//! The verifier's state and its one entry point.

use std::collections::BTreeMap;

use assay_protocol::accusation::SignedAccusation;
use assay_protocol::bls::BlsSignature;
use assay_protocol::checked::{Checked, Now};
use assay_protocol::draft::{Draft, Seal};
use assay_protocol::fraud_proof::{VerifierSeat, VerifierSet};
use assay_protocol::params::Params;
use assay_protocol::verdict::{LeafId, SignedUnverifiable};
use assay_protocol::{Address, B256};

use crate::cases::Case;
use crate::input::Input;
use crate::leaf::{LeafState, Watched};
use crate::output::{Note, Output};
use crate::receipts::Receipts;
use crate::report::Audit;

/// Accusations of one accuser that are kept until their receipts arrive: as many as it can have drawn of a few receipts.
const EARLY_EACH: usize = 64;
/// Accusers of whom any are kept: several times the seats of a round.
const EARLY_ACCUSERS: usize = 256;

/// The verifier.
pub struct Verifier {
    pub(crate) me: Address,
    pub(crate) params: Params,
    pub(crate) sets: BTreeMap<u64, VerifierSet>,
    pub(crate) receipts: Receipts,
    /// The first two receipts of each assignment, until others would be late, with its deadline: the second one is an
    /// equivocation.
    pub(crate) answered: BTreeMap<B256, (u64, Vec<B256>)>,
    /// By accuser, each with the block since when: who invents receipts pushes out nobody else's accusations.
    pub(crate) early: BTreeMap<Address, Vec<(u64, Checked<SignedAccusation>)>>,
    /// Tickets by epoch; `None` while at the signer.
    pub(crate) tickets: BTreeMap<u64, Option<BlsSignature>>,
    pub(crate) unverifiable: BTreeMap<B256, SignedUnverifiable>,
    pub(crate) cases: Vec<Case>,
    /// By accuser, recomputations under way at the last block and those asked for since: who accuses everything does not
    /// keep others' accusations waiting.
    pub(crate) hurried: BTreeMap<Address, usize>,
    /// By epoch, what others' reports are held against.
    pub(crate) audits: BTreeMap<u64, Audit>,
    /// What the signer could not write down.
    pub(crate) unsigned: Vec<Draft>,
    pub(crate) reported: u64,
    /// Whether the tickets of the first epochs to be reported on were asked for.
    pub(crate) begun: bool,
}

impl Verifier {
    /// A verifier with this operator account.
    pub fn new(me: Address, params: Params, now: Now) -> Self {
        // The report of the epoch before is due when the present one has ended.
        let reported = params.epoch(now.block).saturating_sub(1);
        Self {
            me,
            params,
            sets: BTreeMap::new(),
            receipts: Receipts::default(),
            answered: BTreeMap::new(),
            early: BTreeMap::new(),
            tickets: BTreeMap::new(),
            unverifiable: BTreeMap::new(),
            cases: Vec::new(),
            hurried: BTreeMap::new(),
            audits: BTreeMap::new(),
            unsigned: Vec::new(),
            reported,
            begun: false,
        }
    }

    /// Takes one input and says what follows from it.
    pub fn handle(&mut self, input: Input, now: Now) -> Vec<Output> {
        match input {
            Input::Block => self.on_block(now),
            Input::Round(set) => self.on_round(set, now),
            Input::Receipt(receipt) => self.on_receipt(*receipt, now),
            Input::Recomputed {
                receipt,
                leaves,
                result,
            } => self.on_recomputed(receipt, &leaves, result),
            Input::LevelsTried { leaf, reproducing } => self.on_levels(leaf, reproducing),
            Input::Signed(sealed) => match (sealed.draft, sealed.seal) {
                (Draft::Ticket(ticket), Seal::Bls(signature)) => {
                    self.on_ticket(ticket.epoch, signature)
                }
                (Draft::Verdict(verdict), Seal::Bls(signature)) => {
                    self.on_own_verdict(verdict, signature, now)
                }
                (Draft::Divergence(divergence), Seal::Bls(signature)) => {
                    self.on_own_divergence(divergence, signature)
                }
                (Draft::Unverifiable(trouble), Seal::Bls(signature)) => {
                    let signed = SignedUnverifiable {
                        unverifiable: trouble,
                        verifier: self.me,
                        signature,
                    };
                    self.unverifiable
                        .insert(signed.unverifiable.receiptHash, signed);
                    Vec::new()
                }
                (Draft::Accusation(accusation), Seal::Operator(signature)) => self
                    .on_own_accusation(
                        SignedAccusation {
                            accusation,
                            signature,
                        },
                        now,
                    ),
                _ => Vec::new(),
            },
            Input::Unsigned(draft) => {
                self.unsigned.push(*draft);
                Vec::new()
            }
            Input::Accusation(accusation) => self.on_accusation(accusation, now),
            Input::Verdict(verdict) => self.on_verdict(verdict, now),
            Input::Report(report) => self.on_report(report, now),
            Input::Suspected(receipt, index) => self.on_suspected(*receipt, index),
            Input::Rewound(ancestor) => self.on_rewound(ancestor, now),
            Input::CaseOpened {
                operator,
                leaf,
                block,
            } => {
                self.on_case_opened(operator, leaf, block);
                Vec::new()
            }
            Input::CaseClosed {
                leaf,
                spared,
                block,
            } => self.on_case_closed(leaf, spared, block, now),
        }
    }

    /// This verifier's seat in a round.
    pub(crate) fn seat(&self, round: u64) -> Option<&VerifierSeat> {
        self.seat_of(round, self.me)
    }

    pub(crate) fn seat_of(&self, round: u64, verifier: Address) -> Option<&VerifierSeat> {
        self.sets.get(&round)?.find(verifier).map(|(_, seat)| seat)
    }

    pub(crate) fn leaf_mut(&mut self, leaf: LeafId) -> Option<(&ReceiptOf, &mut LeafState)> {
        let watched = self.receipts.get_mut(&leaf.receipt)?;
        watched.claimed(leaf.index)?;
        let Watched {
            message, leaves, ..
        } = watched;
        Some((message, leaves.entry(leaf.index).or_default()))
    }

    /// Keeps an accusation until its receipt or its round arrives.
    pub(crate) fn keep_early(&mut self, accusation: Checked<SignedAccusation>, now: Now) {
        let accuser = accusation.signer;
        if self.early.len() >= EARLY_ACCUSERS && !self.early.contains_key(&accuser) {
            return;
        }
        let kept = self.early.entry(accuser).or_default();
        if kept.len() < EARLY_EACH {
            kept.push((now.block, accusation));
        }
    }

    pub(crate) fn note(note: Note) -> Vec<Output> {
        vec![Output::Note(note)]
    }
}

/// The evidence beside a leaf.
pub(crate) type ReceiptOf = assay_protocol::wire::ReceiptMessage;
