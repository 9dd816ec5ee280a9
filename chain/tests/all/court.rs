//! Contests and challenges on a real EVM.

use crate::network;

use assay_chain::anvil::dev_key;
use assay_chain::call::{ChallengeCall, ContestCall, CourtCall, TokenCall};
use assay_chain::challenge::{
    Acquittal, BroadcasterEquivocation, EarlyTicket, FalsePass, FinderClaim, LeafDemand,
    LeafOpening, LeafPath, PlantReveal,
};
use assay_chain::fault::{CaseStatus, FaultKind, SignedWork};
use assay_chain::views::Role;
use assay_protocol::accusation::Accusation;
use assay_protocol::amount::Lpt;
use assay_protocol::bls::BlsSignature;
use assay_protocol::receipt::{Leaf, output_tree, plant};
use assay_protocol::sample::{Odds, SampleTicket, draws};
use assay_protocol::verdict::Verdict;
use assay_protocol::{Address, B256, U256, keccak256};
use network::Account;
use network::scene::Scene;

fn path_of(leaves: &[Leaf], index: u32) -> LeafPath {
    LeafPath {
        leaf: leaves[index as usize],
        leaf_index: index,
        path: output_tree(leaves).path(index),
    }
}

/// Gives the account LPT that the contract may take.
async fn fund(scene: &Scene, account: &Account, spender: Address, lpt: u64) {
    let amount = Lpt::whole(lpt);
    let to = account.key.address();
    let rich = &scene.verifiers[0].0;
    rich.run(
        &format!("fund {to} again"),
        TokenCall::Transfer { to, amount },
    )
    .await;
    account
        .run(
            &format!("approve {spender}"),
            TokenCall::Approve { spender, amount },
        )
        .await;
}

async fn newest_case(scene: &Scene, operator: Address) -> B256 {
    let ids = scene.transcoder.client.case_ids(Some(operator)).await;
    *ids.unwrap().last().unwrap()
}

async fn status(scene: &Scene, case: B256) -> CaseStatus {
    let view = scene.transcoder.client.case(case).await.unwrap();
    view.unwrap().status
}

#[tokio::test]
async fn the_accused_contests_and_the_resolver_acquits() {
    let scene = Scene::set().await;
    let deployment = &scene.network.deployment;
    let bond = deployment.params.contest_bond;
    let contests = deployment.contracts.contests;
    fund(&scene, &scene.transcoder, contests, 50).await;
    let proof = scene.proof(0, 5, &[0, 1, 2, 3]).await;
    let verifier = &scene.verifiers[1].0;
    verifier
        .run("prove", CourtCall::Prove(Box::new(proof)))
        .await;
    let operator = scene.transcoder.key.address();
    let case = newest_case(&scene, operator).await;
    let refused = verifier.refused(ContestCall::Contest { case }).await;
    assert!(refused.contains(&operator.to_string()), "{refused}");
    scene
        .transcoder
        .run("contest", ContestCall::Contest { case })
        .await;
    assert_eq!(status(&scene, case).await, CaseStatus::Contested);
    verifier.refused(ContestCall::Lapse { case }).await;
    let resolver = Account::open(&scene.network.anvil, deployment, dev_key(9).unwrap()).await;
    let ruling = ContestCall::Resolve {
        case,
        guilty: false,
    };
    resolver.run("resolve", ruling).await;
    assert_eq!(status(&scene, case).await, CaseStatus::Acquitted);
    assert_eq!(scene.stake(&scene.transcoder).await, Lpt::whole(300));
    let client = &scene.transcoder.client;
    assert_eq!(client.bonds_owed(operator).await.unwrap().contests, bond);
    scene
        .transcoder
        .run("withdraw", ContestCall::Withdraw)
        .await;
    assert!(client.bonds_owed(operator).await.unwrap().contests == Lpt::whole(0));
}

#[tokio::test]
async fn verifiers_pay_for_early_tickets_false_passes_and_false_accusations() {
    let scene = Scene::set().await;
    let domain = scene.domain();
    let client = &scene.transcoder.client;
    let reporter = &scene.verifiers[0].0;
    let (early, early_key) = &scene.verifiers[3];
    let head = client.head().await.unwrap().number;
    let epoch_blocks = scene.network.deployment.params.epoch_blocks;
    let epoch = head / epoch_blocks + 3;
    let ticket = early_key
        .sign(domain.digest(&SampleTicket { epoch }))
        .unwrap();
    let verifier = early.key.address();
    let shown = EarlyTicket {
        verifier,
        epoch,
        ticket,
    };
    let show = ChallengeCall::ShowEarlyTicket(Box::new(shown));
    let too_early = reporter.refused(show.clone()).await;
    assert!(too_early.contains("begins at block"), "{too_early}");
    let anvil = &scene.network.anvil;
    anvil.mine(epoch * epoch_blocks - head).await.unwrap();
    reporter.run("early", show).await;
    let case = newest_case(&scene, verifier).await;
    let view = client.case(case).await.unwrap().unwrap();
    assert_eq!(view.kind, FaultKind::EarlyTicket);
    assert!(
        client
            .pool(Role::Verifier, verifier)
            .await
            .unwrap()
            .is_frozen()
    );

    // Three found leaf 5 wrong, the third of the others passed it.
    let (work, leaves, _) = scene.work(1).await;
    let receipt_hash = domain.digest(&work.receipt);
    let proof = prove(&scene, &work, &leaves, 5, &[0, 1, 2]);
    reporter
        .run("prove", CourtCall::Prove(Box::new(proof)))
        .await;
    let pass = verdict(receipt_hash, 5, leaves[5].output_hash);
    let fault = FalsePass {
        assignment: work.assignment.clone(),
        receipt: work.receipt.clone(),
        leaf: path_of(&leaves, 5),
        position: 3,
        signature: early_key.sign(domain.digest(&pass)).unwrap(),
    };
    reporter
        .run("pass", ChallengeCall::FalsePass(Box::new(fault)))
        .await;
    let case = newest_case(&scene, verifier).await;
    let view = client.case(case).await.unwrap().unwrap();
    assert_eq!(view.kind, FaultKind::FalsePass);

    // Leaf 2 is right, and the last verifier said otherwise.
    let accused = Accusation {
        receiptHash: receipt_hash,
        leafIndex: 2,
        commit: B256::repeat_byte(4),
    };
    let digest = domain.digest(&verdict(receipt_hash, 2, leaves[2].output_hash));
    let signed: Vec<_> = (0..3)
        .map(|p| scene.verifiers[p].1.sign(digest).unwrap())
        .collect();
    let acquittal = Acquittal {
        leaf: path_of(&leaves, 2),
        bitmap: 0b111,
        aggregate: BlsSignature::aggregate(&signed).unwrap(),
        accuser: 3,
        commit: accused.commit,
        accusation: early.key.sign(domain.digest(&accused)),
        work,
    };
    reporter
        .run("acquit", ChallengeCall::Acquit(Box::new(acquittal)))
        .await;
    let case = newest_case(&scene, verifier).await;
    let view = client.case(case).await.unwrap().unwrap();
    assert_eq!(view.kind, FaultKind::FalseAccusation);
}

#[tokio::test]
async fn a_finder_claims_by_ticket_and_is_paid_after_the_window() {
    let scene = Scene::set().await;
    let domain = scene.domain();
    let client = &scene.transcoder.client;
    let params = &scene.network.deployment.params;
    let anyone = &scene.broadcaster;
    let (work, leaves, _) = scene.work(0).await;
    let receipt_hash = domain.digest(&work.receipt);
    let epoch = work.assignment.deadlineBlock / params.epoch_blocks;
    let set = client.verifiers(scene.round).await.unwrap();
    let total: U256 = set.seats.iter().map(|seat| seat.weight).sum();
    let tickets: Vec<_> = scene
        .verifiers
        .iter()
        .map(|(_, key)| key.sign(domain.digest(&SampleTicket { epoch })).unwrap())
        .collect();
    // Some leaf is drawn by somebody.
    let drawn = (0..leaves.len() as u32).find_map(|leaf| {
        let wins = |position: &usize| {
            let odds = Odds {
                weight: set.seats[*position].weight,
                total,
                checks_per_leaf_ppm: params.checks_per_leaf_ppm,
            };
            draws(&tickets[*position], &receipt_hash, leaf, &odds)
        };
        (0..4).find(wins).map(|position| (leaf, position))
    });
    let (leaf, position) = drawn.unwrap();
    let proof = prove(&scene, &work, &leaves, leaf, &[0, 1, 2, 3]);
    anyone.run("prove", CourtCall::Prove(Box::new(proof))).await;
    let case = newest_case(&scene, scene.transcoder.key.address()).await;
    let claim = FinderClaim {
        assignment: work.assignment.clone(),
        position: position as u64,
        ticket: tickets[position],
    };
    let claim = ChallengeCall::ClaimFinder(Box::new(claim));
    anyone.refused(claim.clone()).await;
    let head = client.head().await.unwrap().number;
    let anvil = &scene.network.anvil;
    anvil
        .mine((epoch + 1) * params.epoch_blocks - head)
        .await
        .unwrap();
    anyone.run("claim", claim).await;
    anyone.run("execute", CourtCall::Execute { case }).await;
    let settle = ChallengeCall::SettleFinder(Box::new(work.assignment.clone()));
    anyone.refused(settle.clone()).await;
    anvil
        .mine(params.response_blocks + params.evidence_blocks)
        .await
        .unwrap();
    let finder = scene.verifiers[position].0.key.address();
    let had = client.lpt_balance(finder).await.unwrap();
    anyone.run("settle", settle).await;
    let has = client.lpt_balance(finder).await.unwrap();
    // A tenth of the 30 that the own bond lost.
    assert_eq!(has.0 - had.0, Lpt::whole(3).0);
}

#[tokio::test]
async fn leaves_are_demanded_opened_and_plants_are_revealed() {
    let scene = Scene::set().await;
    let domain = scene.domain();
    let client = &scene.transcoder.client;
    let deployment = &scene.network.deployment;
    let challenges = deployment.contracts.challenges;
    let operator = scene.transcoder.key.address();
    fund(&scene, &scene.transcoder, challenges, 20).await;
    let (asker, _) = &scene.verifiers[1];
    let amount = Lpt::whole(20);
    let approve = TokenCall::Approve {
        spender: challenges,
        amount,
    };
    asker.run("approve challenges", approve).await;
    let (work, leaves, _) = scene.work(0).await;
    let receipt_hash = domain.digest(&work.receipt);
    let demand = LeafDemand {
        work: work.clone(),
        leaf_index: 3,
    };
    asker
        .run("demand", ChallengeCall::ChallengeLeaf(Box::new(demand)))
        .await;
    let opening = LeafOpening {
        receipt_hash,
        leaf: path_of(&leaves, 3),
    };
    asker
        .run("open", ChallengeCall::OpenLeaf(Box::new(opening)))
        .await;
    let owed = client.bonds_owed(operator).await.unwrap();
    assert_eq!(owed.challenges, deployment.params.challenge_bond);

    // Planted in this round, revealed in the next one's work.
    let secret = B256::repeat_byte(0x5e);
    let commitment = keccak256(secret);
    scene
        .transcoder
        .run("plant", ChallengeCall::PlantFault { commitment })
        .await;
    let scene = Scene {
        round: scene.network.open_round().await,
        ..scene
    };
    scene.network.anvil.mine(1).await.unwrap();
    let (mut work, leaves, _) = scene.work(1).await;
    work.receipt.plant = plant(&secret, &work.receipt.assignmentHash, 4);
    work.receipt_signature = scene.transcoder.key.sign(domain.digest(&work.receipt));
    let proof = prove(&scene, &work, &leaves, 4, &[0, 1, 2, 3]);
    let (prover, _) = &scene.verifiers[1];
    prover.run("prove", CourtCall::Prove(Box::new(proof))).await;
    let case = newest_case(&scene, operator).await;
    let reveal = PlantReveal {
        work,
        leaf_index: 4,
        secret,
    };
    scene
        .transcoder
        .run("reveal", ChallengeCall::RevealPlant(Box::new(reveal)))
        .await;
    assert_eq!(status(&scene, case).await, CaseStatus::Spared);
}

#[tokio::test]
async fn two_assignments_for_one_attempt_are_proven_once() {
    let scene = Scene::set().await;
    let domain = scene.domain();
    let (work, _, _) = scene.work(0).await;
    let mut other = work.assignment.clone();
    other.sourceHash = B256::repeat_byte(1);
    let fault = BroadcasterEquivocation {
        other_signature: scene.broadcaster.key.sign(domain.digest(&other)),
        other,
        signature: work.assignment_signature,
        assignment: work.assignment,
    };
    let call = CourtCall::BroadcasterEquivocation(Box::new(fault));
    let (anyone, _) = &scene.verifiers[0];
    anyone.run("two", call.clone()).await;
    let again = anyone.refused(call).await;
    assert!(again.contains("already"), "{again}");
}

fn verdict(receipt_hash: B256, leaf_index: u32, recomputed: B256) -> Verdict {
    Verdict {
        receiptHash: receipt_hash,
        leafIndex: leaf_index,
        recomputedHash: recomputed,
    }
}

/// A proof about this very work.
fn prove(
    scene: &Scene,
    work: &SignedWork,
    leaves: &[Leaf],
    index: u32,
    positions: &[usize],
) -> assay_protocol::fraud_proof::FraudProof {
    let domain = scene.domain();
    let recomputed = B256::repeat_byte(0xee);
    let digest = domain.digest(&verdict(domain.digest(&work.receipt), index, recomputed));
    let signatures: Vec<_> = positions
        .iter()
        .map(|p| scene.verifiers[*p].1.sign(digest).unwrap())
        .collect();
    assay_protocol::fraud_proof::FraudProof {
        leaf: leaves[index as usize],
        leaf_index: index,
        path: output_tree(leaves).path(index),
        recomputed_hash: recomputed,
        bitmap: positions
            .iter()
            .fold(U256::ZERO, |map, p| map | (U256::from(1) << *p)),
        signature: BlsSignature::aggregate(&signatures).unwrap(),
        assignment: work.assignment.clone(),
        assignment_signature: work.assignment_signature,
        receipt: work.receipt.clone(),
        receipt_signature: work.receipt_signature,
    }
}
