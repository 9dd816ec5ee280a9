//! Evidence about a scene's work, signed by whom it takes.

use assay_chain::challenge::{
    Acquittal, BroadcasterEquivocation, Diverged, DivergenceVotes, EarlyTicket, FalseDivergence,
    FalsePass, FinderClaim, LeafDemand, LeafOpening, LeafPath, PlantReveal,
};
use assay_chain::fault::{Equivocation, LeafFault, SignedWork, VerifierEquivocation};
use assay_protocol::accusation::Accusation;
use assay_protocol::amount::Eth;
use assay_protocol::bls::BlsSignature;
use assay_protocol::fraud_proof::FraudProof;
use assay_protocol::merkle::Tree;
use assay_protocol::payment::{Lottery, PaymentTicket, SignedTicket, Winner, rand_hash};
use assay_protocol::receipt::{Leaf, Receipt, output_tree, plant};
use assay_protocol::sample::{Odds, SampleTicket, draws};
use assay_protocol::verdict::{Divergence, Verdict};
use assay_protocol::{B256, Bytes, U256, keccak256};

use super::profiles;
use super::scene::Scene;

/// Level of the encoder that diverges here.
const LEVEL: u8 = 2;

pub fn verdict(receipt_hash: B256, leaf_index: u32, recomputed: B256) -> Verdict {
    Verdict {
        receiptHash: receipt_hash,
        leafIndex: leaf_index,
        recomputedHash: recomputed,
    }
}

pub fn path_of(leaves: &[Leaf], index: u32) -> LeafPath {
    LeafPath {
        leaf: leaves[index as usize],
        leaf_index: index,
        path: output_tree(leaves).path(index),
    }
}

fn bits(positions: &[usize]) -> u64 {
    positions.iter().fold(0, |map, p| map | 1 << p)
}

impl Scene {
    pub fn receipt_hash(&self, work: &SignedWork) -> B256 {
        self.domain().digest(&work.receipt)
    }

    fn together(&self, digest: B256, positions: &[usize]) -> BlsSignature {
        let signatures: Vec<_> = positions
            .iter()
            .map(|p| self.verifiers[*p].1.sign(digest).unwrap())
            .collect();
        BlsSignature::aggregate(&signatures).unwrap()
    }

    /// A proof that leaf `index` is wrong, signed by the verifiers at `positions`.
    pub fn prove(
        &self,
        work: &SignedWork,
        leaves: &[Leaf],
        index: u32,
        positions: &[usize],
    ) -> FraudProof {
        let recomputed = B256::repeat_byte(0xee);
        let verdict = verdict(self.receipt_hash(work), index, recomputed);
        FraudProof {
            leaf: leaves[index as usize],
            leaf_index: index,
            path: output_tree(leaves).path(index),
            recomputed_hash: recomputed,
            bitmap: U256::from(bits(positions)),
            signature: self.together(self.domain().digest(&verdict), positions),
            assignment: work.assignment.clone(),
            assignment_signature: work.assignment_signature,
            receipt: work.receipt.clone(),
            receipt_signature: work.receipt_signature,
        }
    }

    pub fn false_pass(
        &self,
        work: &SignedWork,
        leaves: &[Leaf],
        index: u32,
        position: usize,
    ) -> FalsePass {
        let pass = verdict(
            self.receipt_hash(work),
            index,
            leaves[index as usize].output_hash,
        );
        FalsePass {
            work: work.clone(),
            leaf: path_of(leaves, index),
            fails: None,
            position: position as u64,
            signature: self.together(self.domain().digest(&pass), &[position]),
        }
    }

    /// The verifiers at `passes` say that the leaf is right, of which the one at `accuser` said otherwise.
    pub fn acquittal(
        &self,
        work: &SignedWork,
        leaves: &[Leaf],
        index: u32,
        passes: &[usize],
        accuser: usize,
    ) -> Acquittal {
        let (domain, receipt_hash) = (self.domain(), self.receipt_hash(work));
        let accused = Accusation {
            receiptHash: receipt_hash,
            leafIndex: index,
            commit: B256::repeat_byte(4),
        };
        let pass = verdict(receipt_hash, index, leaves[index as usize].output_hash);
        Acquittal {
            leaf: path_of(leaves, index),
            bitmap: bits(passes),
            aggregate: self.together(domain.digest(&pass), passes),
            accuser: accuser as u64,
            commit: accused.commit,
            accusation: self.verifiers[accuser].0.key.sign(domain.digest(&accused)),
            work: work.clone(),
        }
    }

    /// A ticket of an epoch that begins later than block `head`.
    pub fn early_ticket(&self, position: usize, head: u64) -> EarlyTicket {
        let epoch = self.network.deployment.params.epoch(head) + 3;
        EarlyTicket {
            verifier: self.verifiers[position].0.key.address(),
            epoch,
            ticket: self.together(self.domain().digest(&SampleTicket { epoch }), &[position]),
        }
    }

    /// Mines until this epoch has begun.
    pub async fn reach_epoch(&self, epoch: u64) {
        let epoch_blocks = self.network.deployment.params.epoch_blocks;
        self.mine_to(epoch * epoch_blocks).await;
    }

    /// Mines until the head is `block` at least.
    pub async fn mine_to(&self, block: u64) {
        let head = self.broadcaster.client.head().await.unwrap().number;
        let anvil = &self.network.anvil;
        anvil.mine(block.saturating_sub(head)).await.unwrap();
    }

    /// A certain winner of `value` for the segment.
    pub async fn winner(&self, seq: u32, value: Eth) -> Winner {
        let (work, ..) = self.work(seq).await;
        self.winner_of(work, value)
    }

    /// The same for work that is there.
    pub fn winner_of(&self, work: SignedWork, value: Eth) -> Winner {
        let seq = work.assignment.seq;
        let (domain, rand) = (self.domain(), keccak256(seq.to_be_bytes()));
        let lottery = Lottery::paying(value.0, U256::from(1));
        let ticket = PaymentTicket {
            assignmentHash: domain.digest(&work.assignment),
            recipient: self.transcoder.key.address(),
            sender: self.broadcaster.key.address(),
            faceValue: lottery.face_value,
            winProb: lottery.win_prob,
            nonce: 0,
            recipientRandHash: rand_hash(rand),
        };
        let signature = self.broadcaster.key.sign(domain.digest(&ticket));
        Winner {
            ticket: SignedTicket { ticket, signature },
            rand,
            assignment: work.assignment,
        }
    }

    pub fn two_receipts(&self, work: &SignedWork) -> Equivocation {
        let other = Receipt {
            plant: B256::ZERO,
            ..work.receipt.clone()
        };
        Equivocation {
            work: work.clone(),
            other_signature: self.transcoder.key.sign(self.domain().digest(&other)),
            other,
        }
    }

    pub fn two_verdicts(&self, work: &SignedWork, position: usize) -> VerifierEquivocation {
        let (domain, receipt_hash) = (self.domain(), self.receipt_hash(work));
        let says = |byte| verdict(receipt_hash, 3, B256::repeat_byte(byte));
        VerifierEquivocation {
            verifier: self.verifiers[position].0.key.address(),
            signature: self.together(domain.digest(&says(1)), &[position]),
            other_signature: self.together(domain.digest(&says(2)), &[position]),
            verdict: says(1),
            other: says(2),
        }
    }

    pub fn two_assignments(&self, work: &SignedWork) -> BroadcasterEquivocation {
        let mut other = work.assignment.clone();
        other.sourceHash = B256::repeat_byte(1);
        BroadcasterEquivocation {
            other_signature: self.broadcaster.key.sign(self.domain().digest(&other)),
            other,
            signature: work.assignment_signature,
            assignment: work.assignment.clone(),
        }
    }

    /// Leaf 6 of this work says another chunk's frames.
    pub fn other_frames(&self, work: &SignedWork, leaves: &[Leaf], frames: &Tree) -> LeafFault {
        let mut wrong = leaves.to_vec();
        wrong[6].frames_root = B256::repeat_byte(0x99);
        LeafFault {
            work: self.sign(work.assignment.clone(), &wrong),
            leaf: wrong[6],
            leaf_index: 6,
            path: output_tree(&wrong).path(6),
            profiles: Bytes::from(profiles().to_bytes()),
            chunk_root: B256::repeat_byte(3),
            frames_path: frames.path(2),
        }
    }

    fn divergence(&self, work: &SignedWork, index: u32) -> B256 {
        self.domain().digest(&Divergence {
            receiptHash: self.receipt_hash(work),
            leafIndex: index,
            level: LEVEL,
        })
    }

    pub fn diverged(&self, work: &SignedWork, index: u32, positions: &[usize]) -> Diverged {
        Diverged {
            work: work.clone(),
            leaf_index: index,
            votes: vec![DivergenceVotes {
                level: LEVEL,
                bitmap: bits(positions),
                aggregate: self.together(self.divergence(work, index), positions),
            }],
        }
    }

    pub fn false_divergence(
        &self,
        work: &SignedWork,
        index: u32,
        position: usize,
    ) -> FalseDivergence {
        FalseDivergence {
            assignment: work.assignment.clone(),
            receipt: work.receipt.clone(),
            position: position as u64,
            level: LEVEL,
            signature: Some(self.together(self.divergence(work, index), &[position])),
        }
    }

    pub fn demand(&self, work: &SignedWork, index: u32) -> LeafDemand {
        LeafDemand {
            work: work.clone(),
            leaf_index: index,
        }
    }

    pub fn opening(&self, work: &SignedWork, leaves: &[Leaf], index: u32) -> LeafOpening {
        LeafOpening {
            receipt_hash: self.receipt_hash(work),
            leaf: path_of(leaves, index),
        }
    }

    /// The work again, with a fault in a leaf that its transcoder has planted.
    pub fn planted(&self, work: &SignedWork, index: u32, secret: B256) -> PlantReveal {
        let mut work = work.clone();
        work.receipt.plant = plant(&secret, &work.receipt.assignmentHash, index);
        work.receipt_signature = self
            .transcoder
            .key
            .sign(self.domain().digest(&work.receipt));
        PlantReveal {
            work,
            leaf_index: index,
            secret,
        }
    }

    /// A leaf that some verifier's ticket draws, and that verifier's claim.
    pub async fn finder(&self, work: &SignedWork) -> (u32, FinderClaim) {
        let (domain, receipt_hash) = (self.domain(), self.receipt_hash(work));
        let params = &self.network.deployment.params;
        let epoch = params.epoch(work.assignment.deadlineBlock);
        let set = self.transcoder.client.verifiers(self.round).await.unwrap();
        let total: U256 = set.seats.iter().map(|seat| seat.weight).sum();
        let ticket = |position| self.together(domain.digest(&SampleTicket { epoch }), &[position]);
        let mut all = (0..work.assignment.leafCount)
            .flat_map(|leaf| (0..set.seats.len()).map(move |position| (leaf, position)));
        let drawn = all.find(|(leaf, position)| {
            let odds = Odds {
                weight: set.seats[*position].weight,
                total,
                checks_per_leaf_ppm: params.checks_per_leaf_ppm,
            };
            draws(&ticket(*position), &receipt_hash, *leaf, &odds)
        });
        let (leaf, position) = drawn.unwrap();
        let claim = FinderClaim {
            assignment: work.assignment.clone(),
            position: position as u64,
            ticket: ticket(position),
        };
        (leaf, claim)
    }
}
