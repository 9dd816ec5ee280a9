use assay_chain::fault::FaultKind;
use assay_protocol::U256;
use assay_protocol::accusation::Accusation;
use assay_protocol::assignment::Assignment;
use assay_protocol::bls::{BlsKey, BlsPublicKey};
use assay_protocol::election::{Candidate, Snapshot};
use assay_protocol::fraud_proof::{VerifierSeat, VerifierSet};
use assay_protocol::profile::{Profiles, Rendition, SourceFormat};
use assay_protocol::receipt::{Leaf, Receipt, SignedReceipt, output_tree};
use assay_protocol::rules::Job;
use assay_protocol::sample::SampleTicket;
use assay_protocol::sig::{OperatorKey, Signature};
use assay_protocol::verdict::{Divergence, Verdict};

use super::*;
use crate::chain_state::Round;

mod quorums;
mod restart;

const DOMAIN: Domain = Domain::new(31_337, Address::repeat_byte(0xc0));
const ROUND: u64 = 3;
const LEAVES: u32 = 4;

/// Four verifiers of equal weight in a round, and what they say to the witness of one of them.
struct Bench {
    folder: tempfile::TempDir,
    witness: Witness,
    state: ChainState,
    operators: Vec<OperatorKey>,
    keys: Vec<BlsKey>,
    params: Params,
}

fn profiles() -> Profiles {
    let rendition = Rendition {
        low_latency: true,
        ..Rendition::plain(64, 64, 10, 100)
    };
    Profiles {
        chunk_frames: 15,
        source: SourceFormat {
            width: 64,
            height: 64,
            bit_depth: 8,
            full_range: false,
            colour: [2; 3],
            fps_num: 30,
            fps_den: 1,
        },
        renditions: vec![rendition],
    }
}

fn job() -> Job {
    Job {
        id: U256::from(7),
        broadcaster: Address::repeat_byte(0xb0),
        profiles: profiles(),
        max_price: U256::ZERO,
        seed: B256::ZERO,
    }
}

fn transcoder(i: u8) -> Address {
    Address::repeat_byte(0x70 + i)
}

fn leaves() -> Vec<Leaf> {
    let leaf = |chunk| Leaf {
        chunk,
        output_len: 10,
        output_hash: B256::repeat_byte(chunk as u8 + 1),
        ..Default::default()
    };
    (0..LEAVES).map(leaf).collect()
}

impl Bench {
    fn new() -> Self {
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
            ..Params::testnet()
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

    fn message(&self, by: u8, leaves: Vec<Leaf>, plant: u8) -> ReceiptMessage {
        let assignment = Assignment {
            jobId: job().id,
            round: ROUND,
            transcoder: transcoder(by),
            frameCount: 60,
            profilesHash: profiles().hash(),
            leafCount: LEAVES,
            deadlineBlock: 106,
            ..Default::default()
        };
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
    fn hear(&self, message: &ReceiptMessage) -> B256 {
        let hash = DOMAIN.digest(&message.receipt.receipt);
        let checked = message.receipt.check_leaves(LEAVES, 1);
        self.witness.receipt(&self.state, message, hash, checked);
        hash
    }

    fn verdict(&self, by: usize, receipt: B256, leaf: u32, hash: B256) {
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

    fn case(&mut self, by: u8, receipt: B256, leaf: u32, bitmap: u64) -> Case {
        let case = Case {
            id: keccak256([by, leaf as u8]),
            kind: FaultKind::WrongEncode,
            operator: transcoder(by),
            round: ROUND,
            bitmap: U256::from(bitmap),
            receipt,
            opened: 101,
            executable: 104,
            leaf,
            ended: None,
            executed: false,
            contested: None,
            diverged: 0,
        };
        self.state.cases.insert(case.id, case.clone());
        self.witness.case(&self.state, &case, false);
        case
    }

    fn ticket(&self, by: usize, epoch: u64, early: bool) {
        let digest = DOMAIN.digest(&SampleTicket { epoch });
        let ticket = self.keys[by].sign(digest).unwrap();
        let verifier = self.operators[by].address();
        self.witness.ticket(verifier, epoch, ticket, early);
    }

    fn at(&mut self, block: u64) {
        self.state.head = block;
        self.witness.block(&self.state);
    }

    /// The node starts anew, and hears the chain's cases.
    fn restart(&mut self) {
        let me = self.operators[0].address();
        self.witness = Witness::new(self.folder.path(), me, DOMAIN, &self.params);
        self.witness.block(&self.state);
        for case in self.state.cases.values() {
            self.witness.case(&self.state, case, false);
        }
    }

    fn found(&self) -> Vec<Exhibit> {
        let fresh = self.witness.fresh().into_iter();
        fresh
            .map(|(finding, file)| {
                assert_eq!(read(&file).unwrap(), finding.exhibit);
                finding.exhibit
            })
            .collect()
    }
}

fn signed(assignment: Assignment) -> SignedAssignment {
    SignedAssignment {
        assignment,
        signature: Signature([0; 65].into()),
        skips: vec![],
    }
}

#[test]
fn of_two_assignments_the_sound_one_comes_first_and_the_pair_is_kept_once() {
    let bench = Bench::new();
    let assignment = |source: u8, seq| {
        signed(Assignment {
            seq,
            sourceHash: B256::repeat_byte(source),
            ..Default::default()
        })
    };
    let broadcaster = job().broadcaster;
    bench
        .witness
        .assignment(broadcaster, &assignment(1, 0), false);
    bench
        .witness
        .assignment(broadcaster, &assignment(1, 0), false);
    bench
        .witness
        .assignment(broadcaster, &assignment(2, 1), true);
    assert_eq!(bench.found(), []);
    bench
        .witness
        .assignment(broadcaster, &assignment(3, 0), true);
    bench
        .witness
        .assignment(broadcaster, &assignment(4, 0), true);
    let [Exhibit::BroadcasterEquivocation(two)] = &bench.found()[..] else {
        panic!("not the pair")
    };
    assert_eq!(two.assignment.sourceHash, B256::repeat_byte(3));
    assert_eq!(two.other.sourceHash, B256::repeat_byte(1));
}

#[test]
fn two_receipts_and_two_verdicts_are_kept_whatever_else_is_wrong_with_them() {
    let bench = Bench::new();
    let first = bench.hear(&bench.message(0, leaves(), 1));
    let mut second = bench.message(0, leaves(), 2);
    second.receipt.leaves.pop();
    let answered = second.receipt.receipt.assignmentHash;
    let hash = DOMAIN.digest(&second.receipt.receipt);
    assert!(bench.witness.contradicts(answered, hash));
    assert!(!bench.witness.contradicts(answered, first));
    assert!(!bench.witness.contradicts(B256::ZERO, hash));
    bench.hear(&second);
    let found = bench.found();
    assert!(
        matches!(&found[..], [Exhibit::Equivocation(e), Exhibit::ChallengeLeaf(d)]
            if e.other == second.receipt.receipt && d.work.receipt == e.other),
        "{found:?}"
    );
    for hash in [1, 1, 2, 3] {
        bench.verdict(1, first, 0, B256::repeat_byte(hash));
    }
    let found = bench.found();
    assert!(matches!(&found[..], [Exhibit::VerifierEquivocation(e)]
        if e.verifier == bench.operators[1].address() && e.verdict != e.other));
}

#[test]
fn a_signed_leaf_in_the_wrong_place_is_a_fault_and_withheld_leaves_may_be_demanded() {
    let bench = Bench::new();
    let mut swapped = leaves();
    swapped.swap(1, 2);
    bench.hear(&bench.message(0, swapped, 1));
    let found = bench.found();
    let [Exhibit::LeafFault(fault)] = &found[..] else {
        panic!("{found:?}")
    };
    let root = fault.work.receipt.outputRoot;
    assert_eq!((fault.leaf_index, fault.leaf.chunk), (1, 2));
    assert!(fault.path.verify(root, LEAVES, 1, fault.leaf.hash()));
    let mut withheld = bench.message(1, leaves(), 1);
    withheld.receipt.leaves[3].output_len = 11;
    bench.hear(&withheld);
    assert!(matches!(bench.found()[..], [Exhibit::ChallengeLeaf(_)]));
}

#[test]
fn who_accuses_what_a_quorum_passes_is_named_once_there_is_one() {
    let bench = Bench::new();
    let message = bench.message(0, leaves(), 1);
    let (receipt, right) = (
        DOMAIN.digest(&message.receipt.receipt),
        leaves()[2].output_hash,
    );
    for accuser in [2, 3] {
        let accusation = Accusation {
            receiptHash: receipt,
            leafIndex: 2,
            commit: B256::repeat_byte(5),
        };
        let signed = SignedAccusation {
            signature: bench.operators[accuser].sign(DOMAIN.digest(&accusation)),
            accusation,
        };
        let who = bench.operators[accuser].address();
        bench.witness.accusation(&bench.state, who, &signed);
    }
    bench.verdict(0, receipt, 2, right);
    bench.verdict(1, receipt, 2, right);
    assert_eq!(bench.found(), [], "no receipt, no quorum");
    bench.hear(&message);
    assert_eq!(bench.found(), [], "a half");
    // Who accused it and passes it all the same has only been slow.
    bench.verdict(2, receipt, 2, right);
    let found = bench.found();
    let [Exhibit::Acquit(acquittal)] = &found[..] else {
        panic!("{found:?}")
    };
    assert_eq!((acquittal.bitmap, acquittal.accuser), (0b111, 3));
    let digest = DOMAIN.digest(&Verdict {
        receiptHash: receipt,
        leafIndex: 2,
        recomputedHash: right,
    });
    let keys: Vec<BlsPublicKey> = bench.keys[..3].iter().map(BlsKey::public).collect();
    assert_eq!(acquittal.aggregate.verify_aggregate(digest, &keys), Ok(()));
}

#[test]
fn passes_of_a_proven_leaf_are_false_before_and_after_the_case() {
    let mut bench = Bench::new();
    let receipt = bench.hear(&bench.message(0, leaves(), 1));
    let right = leaves()[1].output_hash;
    bench.verdict(2, receipt, 1, right);
    bench.verdict(2, receipt, 0, leaves()[0].output_hash);
    bench.case(0, receipt, 1, 0b0011);
    bench.verdict(3, receipt, 1, right);
    bench.verdict(0, receipt, 1, B256::repeat_byte(9));
    let found = bench.found();
    let position = |exhibit: &Exhibit| match exhibit {
        Exhibit::FalsePass(fault) => fault.position,
        other => panic!("{other:?}"),
    };
    assert_eq!(found.iter().map(position).collect::<Vec<_>>(), [2, 3]);
}

#[test]
fn a_refuted_divergence_and_divergences_of_more_than_a_third_are_kept() {
    let mut bench = Bench::new();
    let receipt = bench.hear(&bench.message(0, leaves(), 1));
    let diverge = |bench: &Bench, by: usize| {
        let divergence = Divergence {
            receiptHash: receipt,
            leafIndex: 1,
            level: by as u8,
        };
        let signature = bench.keys[by].sign(DOMAIN.digest(&divergence)).unwrap();
        let signed = SignedDivergence {
            divergence,
            verifier: bench.operators[by].address(),
            signature,
        };
        bench.witness.divergence(&bench.state, &signed);
    };
    diverge(&bench, 3);
    assert_eq!(bench.found(), []);
    diverge(&bench, 2);
    let found = bench.found();
    assert!(matches!(&found[..], [Exhibit::TripByDivergence(d)] if d.votes.len() == 2));
    let case = bench.case(0, receipt, 1, 0b0011);
    bench.witness.case(&bench.state, &case, true);
    let found = bench.found();
    assert!(
        matches!(&found[..], [Exhibit::FalseDivergence(a), Exhibit::FalseDivergence(b)]
        if (a.position, b.position) == (2, 3) || (a.position, b.position) == (3, 2))
    );
}

#[test]
fn a_ticket_is_early_before_the_end_of_its_epoch() {
    let bench = Bench::new();
    bench.ticket(1, 18, false);
    bench.ticket(1, 20, true);
    assert!(bench.witness.knows_ticket(bench.operators[1].address(), 20));
    let found = bench.found();
    assert!(matches!(&found[..], [Exhibit::ShowEarlyTicket(e)] if e.epoch == 20));
}

#[test]
fn the_signer_with_the_lowest_draw_claims_after_the_reports_and_settles_after_the_window() {
    for leaf in 0..LEAVES {
        let mut bench = Bench::new();
        let message = bench.message(0, leaves(), 1);
        let receipt = bench.hear(&message);
        bench.case(0, receipt, leaf, 0b0011);
        let epoch = bench.params.epoch(106);
        bench.ticket(0, epoch, false);
        bench.ticket(1, epoch, false);
        bench.at(bench.params.report_block(epoch) + 1);
        assert_eq!(bench.found(), [], "others' reports may still come");
        bench.at(bench.params.report_block(epoch) + 2);
        let found = bench.found();
        let claimed = match &found[..] {
            [] => false,
            [Exhibit::ClaimFinder(claim)] => claim.position == 0,
            other => panic!("{other:?}"),
        };
        let lot = |by: usize| {
            let digest = DOMAIN.digest(&SampleTicket { epoch });
            let ticket = bench.keys[by].sign(digest).unwrap();
            keccak256([ticket.as_bytes(), receipt.as_slice(), &leaf.to_be_bytes()].concat())
        };
        assert_eq!(claimed, lot(0) < lot(1), "leaf {leaf}");
        bench.at(106 + bench.params.evidence_blocks);
        assert_eq!(bench.found(), []);
        bench.at(107 + bench.params.evidence_blocks);
        let settles = matches!(&bench.found()[..], [Exhibit::SettleFinder(_)]);
        assert_eq!(settles, claimed);
    }
}

#[test]
fn cases_against_many_trip_the_breaker_and_what_is_open_then_is_contested() {
    let mut bench = Bench::new();
    let mut receipts = Vec::new();
    for by in 0..4 {
        receipts.push(bench.hear(&bench.message(by, leaves(), 1)));
    }
    for by in [3, 1, 2] {
        bench.case(by, receipts[usize::from(by)], 0, 0b0111);
    }
    assert_eq!(bench.found(), [], "three may be cheats");
    let last = bench.case(0, receipts[0], 0, 0b0111);
    let found = bench.found();
    let [Exhibit::Trip(cases)] = &found[..] else {
        panic!("{found:?}")
    };
    let order: Vec<_> = cases.iter().map(|a| a.transcoder).collect();
    assert_eq!(order, (0..4).map(transcoder).collect::<Vec<_>>());
    let encoder = cases[0].encoderId;
    bench.witness.stopped(&bench.state, encoder);
    assert_eq!(bench.found(), [], "it runs");
    bench.state.stop(encoder, ROUND + 1, 102);
    for case in bench.state.cases.values_mut() {
        case.contested = (case.id != last.id).then_some(102);
    }
    bench.witness.stopped(&bench.state, encoder);
    let found = bench.found();
    assert!(matches!(&found[..], [Exhibit::ContestStopped(open)] if open.len() == 1));
}
