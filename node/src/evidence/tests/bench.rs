//! A round with four verifiers, and what the witness of one of them hears.

use assay_chain::fault::FaultKind;
use assay_protocol::U256;
use assay_protocol::assignment::Assignment;
use assay_protocol::bls::BlsKey;
use assay_protocol::election::{Candidate, Snapshot};
use assay_protocol::fraud_proof::{VerifierSeat, VerifierSet};
use assay_protocol::profile::{Profiles, Rendition, SourceFormat};
use assay_protocol::receipt::{Leaf, Receipt, SignedReceipt, output_tree};
use assay_protocol::rules::Job;
use assay_protocol::sample::SampleTicket;
use assay_protocol::sig::{OperatorKey, Signature};
use assay_protocol::verdict::Verdict;

use super::super::*;
use crate::chain_state::Round;

pub(super) const DOMAIN: Domain = Domain::new(31_337, Address::repeat_byte(0xc0));
pub(super) const ROUND: u64 = 3;
pub(super) const LEAVES: u32 = 4;
/// Of all assignments.
pub(super) const DEADLINE: u64 = 106;

/// Four verifiers of equal weight in a round, and what they say to the witness of one of them.
pub(super) struct Bench {
    pub(super) folder: tempfile::TempDir,
    pub(super) witness: Witness,
    pub(super) state: ChainState,
    pub(super) operators: Vec<OperatorKey>,
    pub(super) keys: Vec<BlsKey>,
    pub(super) params: Params,
}

pub(super) fn profiles() -> Profiles {
    let rendition = Rendition {
        low_latency: true,
        ..Rendition::plain(64, 64, 10, 100)
    };
    Profiles {
        chunk_frames: 15,
        source: SourceFormat::plain(64, 64, 30),
        renditions: vec![rendition],
    }
}

pub(super) fn job() -> Job {
    Job {
        id: U256::from(7),
        broadcaster: Address::repeat_byte(0xb0),
        profiles: profiles(),
        max_price: U256::ZERO,
        seed: B256::ZERO,
        seed_block: 0,
    }
}

pub(super) fn transcoder(i: u8) -> Address {
    Address::repeat_byte(0x70 + i)
}

pub(super) fn leaves() -> Vec<Leaf> {
    let leaf = |chunk| Leaf {
        chunk,
        output_len: 10,
        output_hash: B256::repeat_byte(chunk as u8 + 1),
        ..Default::default()
    };
    (0..LEAVES).map(leaf).collect()
}

impl Bench {
    pub(super) fn new() -> Self {
        Self::with(Params::testnet())
    }

    pub(super) fn with(params: Params) -> Self {
        let mut operators: Vec<_> = (1..5)
            .map(|i| OperatorKey::from_bytes([i; 32]).unwrap())
            .collect();
        operators.sort_by_key(OperatorKey::address);
        let keys: Vec<_> = (1..5u8)
            .map(|i| BlsKey::derive(&[i; 32]).unwrap())
            .collect();
        let seats = operators
            .iter()
            .zip(&keys)
            .map(|(operator, key)| VerifierSeat {
                operator: operator.address(),
                key: key.public(),
                weight: U256::from(1),
            });
        let candidate = |i| Candidate {
            operator: transcoder(i),
            weight: U256::from(1),
            price: U256::ZERO,
        };
        let round = Round {
            opened_at: 90,
            transcoders: Snapshot {
                round: ROUND,
                candidates: (0..5).map(candidate).collect(),
            },
            verifiers: VerifierSet {
                round: ROUND,
                seats: seats.collect(),
            },
        };
        let mut state = ChainState {
            head: 100,
            synced: true,
            ..Default::default()
        };
        state.add_round(ROUND, round);
        state.jobs.insert(job().id, job());
        let folder = tempfile::tempdir().unwrap();
        let params = Params {
            // Everybody draws everything: who is lowest decides.
            checks_per_leaf_ppm: 8_000_000,
            ..params
        };
        let witness = Witness::new(folder.path(), operators[0].address(), DOMAIN, &params);
        witness.block(&state);
        Self {
            folder,
            witness,
            state,
            operators,
            keys,
            params,
        }
    }

    pub(super) fn message(&self, by: u8, leaves: Vec<Leaf>, plant: u8) -> ReceiptMessage {
        let assignment = assignment(by);
        let receipt = Receipt {
            assignmentHash: DOMAIN.digest(&assignment),
            outputRoot: output_tree(&leaves).root(),
            outputBytes: 40,
            plant: B256::repeat_byte(plant),
        };
        ReceiptMessage {
            assignment: signed(assignment),
            receipt: SignedReceipt {
                receipt,
                signature: Signature([0; 65].into()),
                leaves,
            },
        }
    }

    /// The witness sees a receipt; its hash.
    pub(super) fn hear(&self, message: &ReceiptMessage) -> B256 {
        let hash = DOMAIN.digest(&message.receipt.receipt);
        let checked = message.receipt.check_leaves(LEAVES, 1);
        self.witness.receipt(&self.state, message, hash, checked);
        hash
    }

    pub(super) fn verdict(&self, by: usize, receipt: B256, leaf: u32, hash: B256) {
        let verdict = Verdict {
            receiptHash: receipt,
            leafIndex: leaf,
            recomputedHash: hash,
        };
        let signature = self.keys[by].sign(DOMAIN.digest(&verdict)).unwrap();
        let signed = SignedVerdict {
            verdict,
            verifier: self.operators[by].address(),
            signature,
        };
        self.witness.verdict(&self.state, &signed);
    }

    pub(super) fn case(&mut self, by: u8, receipt: B256, leaf: u32, bitmap: u64) -> Case {
        self.case_in(101, by, receipt, leaf, bitmap)
    }

    pub(super) fn case_in(
        &mut self,
        opened: u64,
        by: u8,
        receipt: B256,
        leaf: u32,
        bitmap: u64,
    ) -> Case {
        let case = Case {
            id: FaultKind::WrongEncode.case_of(DOMAIN.digest(&assignment(by))),
            kind: FaultKind::WrongEncode,
            operator: transcoder(by),
            round: ROUND,
            bitmap: U256::from(bitmap),
            joined: vec![],
            receipt,
            opened,
            executable: opened + self.params.case_blocks,
            leaf,
            ended: None,
            contested: None,
            joined_by: None,
            diverged: 0,
            finder_paid: None,
        };
        self.state.cases.insert(case.id, case.clone());
        self.witness.case(&self.state, &case, false);
        case
    }

    pub(super) fn ticket(&self, by: usize, epoch: u64, early: bool) {
        let digest = DOMAIN.digest(&SampleTicket { epoch });
        let ticket = self.keys[by].sign(digest).unwrap();
        let verifier = self.operators[by].address();
        self.witness.ticket(verifier, epoch, ticket, early);
    }

    pub(super) fn at(&mut self, block: u64) {
        self.state.head = block;
        self.witness.block(&self.state);
    }

    /// The node starts anew, and hears the chain's cases.
    pub(super) fn restart(&mut self) {
        let me = self.operators[0].address();
        self.witness = Witness::new(self.folder.path(), me, DOMAIN, &self.params);
        self.witness.block(&self.state);
        for case in self.state.cases.values() {
            self.witness.case(&self.state, case, false);
        }
    }

    pub(super) fn found(&self) -> Vec<Exhibit> {
        let fresh = self.witness.fresh().into_iter();
        fresh
            .map(|(finding, file)| {
                assert_eq!(read(&file).unwrap(), finding.exhibit);
                finding.exhibit
            })
            .collect()
    }
}

fn assignment(by: u8) -> Assignment {
    Assignment {
        jobId: job().id,
        round: ROUND,
        transcoder: transcoder(by),
        frameCount: 60,
        profilesHash: profiles().hash(),
        leafCount: LEAVES,
        deadlineBlock: DEADLINE,
        ..Default::default()
    }
}

pub(super) fn signed(assignment: Assignment) -> SignedAssignment {
    SignedAssignment {
        assignment,
        signature: Signature([0; 65].into()),
        skips: vec![],
    }
}
