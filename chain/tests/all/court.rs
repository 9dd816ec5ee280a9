//! Contests and challenges on a real EVM.

use crate::network;

use assay_chain::anvil::dev_key;
use assay_chain::call::{ChallengeCall, ContestCall, CourtCall, TokenCall};
use assay_chain::challenge::Fails;
use assay_chain::fault::{CaseStatus, FaultKind};
use assay_chain::views::Role;
use assay_protocol::amount::Lpt;
use assay_protocol::{B256, keccak256};
use network::Account;
use network::scene::Scene;

#[tokio::test]
async fn the_accused_contests_and_the_resolver_acquits() {
    let scene = Scene::set().await;
    let deployment = &scene.network.deployment;
    let bond = deployment.params.contest_bond;
    let contests = deployment.contracts.contests;
    scene.fund(&scene.transcoder, contests, 50).await;
    let proof = scene.proof(0, 5, &[0, 1, 2, 3]).await;
    let verifier = &scene.verifiers[1].0;
    verifier
        .run("prove", CourtCall::Prove(Box::new(proof)))
        .await;
    let operator = scene.transcoder.key.address();
    let case = scene.newest_case(operator).await;
    let refused = verifier.refused(ContestCall::Contest { case }).await;
    assert!(refused.contains(&operator.to_string()), "{refused}");
    scene
        .transcoder
        .run("contest", ContestCall::Contest { case })
        .await;
    assert_eq!(scene.status(case).await, CaseStatus::Contested);
    verifier.refused(ContestCall::Lapse { case }).await;
    let resolver = Account::open(&scene.network.anvil, deployment, dev_key(9).unwrap()).await;
    let ruling = ContestCall::Resolve {
        case,
        guilty: false,
    };
    resolver.run("resolve", ruling).await;
    assert_eq!(scene.status(case).await, CaseStatus::Acquitted);
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
    let client = &scene.transcoder.client;
    let reporter = &scene.verifiers[0].0;
    let head = client.head().await.unwrap().number;
    let shown = scene.early_ticket(3, head);
    let (verifier, epoch) = (shown.verifier, shown.epoch);
    let show = ChallengeCall::ShowEarlyTicket(Box::new(shown));
    let too_early = reporter.refused(show.clone()).await;
    assert!(too_early.contains("begins at block"), "{too_early}");
    scene.reach_epoch(epoch).await;
    reporter.run("early", show).await;
    let case = scene.newest_case(verifier).await;
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
    let proof = scene.prove(&work, &leaves, 5, &[0, 1, 2]);
    reporter
        .run("prove", CourtCall::Prove(Box::new(proof)))
        .await;
    let fault = scene.false_pass(&work, &leaves, 5, 3);
    reporter
        .run("pass", ChallengeCall::FalsePass(Box::new(fault)))
        .await;
    let case = scene.newest_case(verifier).await;
    let view = client.case(case).await.unwrap().unwrap();
    assert_eq!(view.kind, FaultKind::FalsePass);
    // The assignment has its one case: of another leaf the quorum comes along.
    let proof = scene.prove(&work, &leaves, 4, &[0, 1, 2]);
    let mut fault = scene.false_pass(&work, &leaves, 4, 3);
    let why = reporter
        .refused(ChallengeCall::FalsePass(Box::new(fault.clone())))
        .await;
    assert!(why.contains("two thirds"), "{why}");
    fault.fails = Some(Fails {
        recomputed_hash: proof.recomputed_hash,
        bitmap: 0b111,
        aggregate: proof.signature,
    });
    reporter
        .run("pass again", ChallengeCall::FalsePass(Box::new(fault)))
        .await;
    let case = scene.newest_case(verifier).await;
    let view = client.case(case).await.unwrap().unwrap();
    assert_eq!((view.kind, view.leaf_index), (FaultKind::FalsePass, 4));

    // Leaf 2 is right, and the last verifier said otherwise.
    let acquittal = scene.acquittal(&work, &leaves, 2, &[0, 1, 2], 3);
    reporter
        .run("acquit", ChallengeCall::Acquit(Box::new(acquittal)))
        .await;
    let case = scene.newest_case(verifier).await;
    let view = client.case(case).await.unwrap().unwrap();
    assert_eq!(view.kind, FaultKind::FalseAccusation);
}

#[tokio::test]
async fn a_finder_claims_by_ticket_and_is_paid_after_the_window() {
    let scene = Scene::set().await;
    let client = &scene.transcoder.client;
    let params = &scene.network.deployment.params;
    let anyone = &scene.broadcaster;
    let (work, leaves, _) = scene.work(0).await;
    let epoch = params.epoch(work.assignment.deadlineBlock);
    let (leaf, claim) = scene.finder(&work).await;
    let position = claim.position as usize;
    let proof = scene.prove(&work, &leaves, leaf, &[0, 1, 2, 3]);
    anyone.run("prove", CourtCall::Prove(Box::new(proof))).await;
    let case = scene.newest_case(scene.transcoder.key.address()).await;
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
    let client = &scene.transcoder.client;
    let deployment = &scene.network.deployment;
    let challenges = deployment.contracts.challenges;
    let operator = scene.transcoder.key.address();
    scene.fund(&scene.transcoder, challenges, 20).await;
    let (asker, _) = &scene.verifiers[1];
    let amount = Lpt::whole(20);
    let approve = TokenCall::Approve {
        spender: challenges,
        amount,
    };
    asker.run("approve challenges", approve).await;
    let (work, leaves, _) = scene.work(0).await;
    let demand = scene.demand(&work, 3);
    asker
        .run("demand", ChallengeCall::ChallengeLeaf(Box::new(demand)))
        .await;
    let opening = scene.opening(&work, &leaves, 3);
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
    let (work, leaves, _) = scene.work(1).await;
    let reveal = scene.planted(&work, 4, secret);
    let proof = scene.prove(&reveal.work, &leaves, 4, &[0, 1, 2, 3]);
    let (prover, _) = &scene.verifiers[1];
    prover.run("prove", CourtCall::Prove(Box::new(proof))).await;
    let case = scene.newest_case(operator).await;
    scene
        .transcoder
        .run("reveal", ChallengeCall::RevealPlant(Box::new(reveal)))
        .await;
    assert_eq!(scene.status(case).await, CaseStatus::Spared);

    // The same plant in other work is none.
    let (work, _, _) = scene.work(2).await;
    let second = Box::new(scene.planted(&work, 5, secret));
    prover
        .run("second", ChallengeCall::ShowSecondPlant(second))
        .await;
    let case = scene.newest_case(operator).await;
    let view = prover.client.case(case).await.unwrap().unwrap();
    assert_eq!(view.kind, FaultKind::LeafFault);
}

#[tokio::test]
async fn two_assignments_for_one_attempt_are_proven_once() {
    let scene = Scene::set().await;
    let (work, _, _) = scene.work(0).await;
    let fault = scene.two_assignments(&work);
    let call = CourtCall::BroadcasterEquivocation(Box::new(fault));
    let (anyone, _) = &scene.verifiers[0];
    anyone.run("two", call.clone()).await;
    let again = anyone.refused(call).await;
    assert!(again.contains("already"), "{again}");
}
