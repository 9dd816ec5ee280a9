//! What becomes of cases that the resolver decides, or leaves alone, and of what nobody reveals or opens.

use crate::network;

use assay_chain::anvil::dev_key;
use assay_chain::call::{ChallengeCall, ContestCall, CourtCall};
use assay_chain::fault::{CaseStatus, FaultKind};
use assay_protocol::amount::Lpt;
use assay_protocol::params::Params;
use assay_protocol::{B256, keccak256};
use network::Account;
use network::scene::Scene;

/// One accused operator stops an encoder, if it has a tenth of the stake.
fn quick_breaker() -> Params {
    Params {
        breaker_operators: 0,
        breaker_stake_bps: 1_000,
        ..Params::demo()
    }
}

async fn resolver(scene: &Scene) -> Account {
    let network = &scene.network;
    Account::open(&network.anvil, &network.deployment, dev_key(9).unwrap()).await
}

#[tokio::test]
async fn a_silent_resolver_lets_the_accused_s_contest_fail() {
    let scene = Scene::set().await;
    let (anyone, operator) = (&scene.verifiers[1].0, scene.transcoder.key.address());
    let deployment = &scene.network.deployment;
    let contests = deployment.contracts.contests;
    scene.fund(&scene.transcoder, contests, 50).await;
    let proof = scene.proof(0, 5, &[0, 1, 2, 3]).await;
    anyone.run("prove", CourtCall::Prove(Box::new(proof))).await;
    let case = scene.newest_case(operator).await;
    let contest = ContestCall::Contest { case };
    scene.transcoder.run("contest", contest).await;
    let liquid = scene.transcoder.client.lpt_balance(operator).await.unwrap();
    let early = anyone.refused(ContestCall::Lapse { case }).await;
    assert!(early.contains("resolver has time"), "{early}");
    scene.resolver_is_silent().await;
    anyone.run("lapse", ContestCall::Lapse { case }).await;
    assert_eq!(scene.status(case).await, CaseStatus::Executed);
    // A tenth of 300, and the bond does not come back.
    assert_eq!(scene.stake(&scene.transcoder).await, Lpt::whole(270));
    let client = &scene.transcoder.client;
    assert_eq!(client.lpt_balance(operator).await.unwrap(), liquid);
    let owed = client.bonds_owed(operator).await.unwrap();
    assert_eq!(owed.contests, Lpt::default());
    anyone.refused(ContestCall::Lapse { case }).await;
}

#[tokio::test]
async fn accused_operators_stop_their_encoder_and_silence_frees_them() {
    let scene = Scene::set_with(quick_breaker()).await;
    let (anyone, operator) = (&scene.verifiers[1].0, scene.transcoder.key.address());
    let (work, leaves, _) = scene.work(0).await;
    let encoder = work.assignment.encoderId;
    let stopped = ContestCall::ContestStopped(vec![work.assignment.clone()]);
    let trip = ContestCall::TripByCases(vec![work.assignment.clone()]);
    anyone.refused(trip.clone()).await;
    let proof = scene.prove(&work, &leaves, 5, &[0, 1, 2, 3]);
    anyone.run("prove", CourtCall::Prove(Box::new(proof))).await;
    let first = scene.newest_case(operator).await;
    let why = anyone.refused(stopped).await;
    assert!(why.contains("stopped"), "{why}");
    anyone.run("trip", trip.clone()).await;
    assert_eq!(scene.status(first).await, CaseStatus::Contested);
    let client = &anyone.client;
    let until = client.stopped_until(encoder).await.unwrap();
    assert_eq!(
        until,
        scene.round + scene.network.deployment.params.breaker_rounds - 1
    );
    let again = anyone.refused(trip).await;
    assert!(again.contains("nothing to contest"), "{again}");

    // Work of after the first case is a case of its own, and anybody has it contested.
    scene.network.anvil.mine(2).await.unwrap();
    let (work, leaves, _) = scene.work(1).await;
    let proof = scene.prove(&work, &leaves, 2, &[0, 1, 2, 3]);
    anyone
        .run("prove again", CourtCall::Prove(Box::new(proof)))
        .await;
    let second = scene.newest_case(operator).await;
    assert_eq!(scene.status(second).await, CaseStatus::Open);
    let stopped = ContestCall::ContestStopped(vec![work.assignment]);
    anyone.run("contest stopped", stopped).await;
    assert_eq!(scene.status(second).await, CaseStatus::Contested);

    scene.resolver_is_silent().await;
    for case in [first, second] {
        anyone
            .run(&format!("lapse {case}"), ContestCall::Lapse { case })
            .await;
        assert_eq!(scene.status(case).await, CaseStatus::Annulled);
    }
    assert_eq!(scene.stake(&scene.transcoder).await, Lpt::whole(300));
}

#[tokio::test]
async fn a_divergence_that_the_resolver_refutes_costs_its_signer_and_pays_who_shows_it() {
    let scene = Scene::set().await;
    let (anyone, operator) = (&scene.broadcaster, scene.transcoder.key.address());
    let (work, leaves, _) = scene.work(0).await;
    let proof = scene.prove(&work, &leaves, 5, &[0, 1, 2]);
    anyone.run("prove", CourtCall::Prove(Box::new(proof))).await;
    let case = scene.newest_case(operator).await;
    // Whoever the first proof lacks joins its signers, once.
    let all = CourtCall::Prove(Box::new(scene.prove(&work, &leaves, 5, &[0, 1, 2, 3])));
    anyone.run("join", all.clone()).await;
    let view = anyone.client.case(case).await.unwrap().unwrap();
    assert_eq!(view.bitmap, assay_protocol::U256::from(0b1111));
    anyone.refused(all).await;
    // One of four is less than a third, two are more.
    let few = ContestCall::TripByDivergence(Box::new(scene.diverged(&work, 5, &[3])));
    anyone.refused(few).await;
    let diverged = ContestCall::TripByDivergence(Box::new(scene.diverged(&work, 5, &[2, 3])));
    anyone.run("diverged", diverged).await;
    assert_eq!(scene.status(case).await, CaseStatus::Contested);
    let fault = Box::new(scene.false_divergence(&work, 5, 3));
    anyone
        .refused(ChallengeCall::FalseDivergence(fault.clone()))
        .await;
    let ruling = ContestCall::Resolve { case, guilty: true };
    resolver(&scene).await.run("rule", ruling).await;
    assert_eq!(scene.status(case).await, CaseStatus::Executed);
    anyone
        .run("refuted", ChallengeCall::FalseDivergence(fault))
        .await;
    // Who was counted needs no signature of its own.
    let mut counted = scene.false_divergence(&work, 5, 2);
    counted.signature = None;
    anyone
        .run("counted", ChallengeCall::FalseDivergence(Box::new(counted)))
        .await;
    let signer = scene.verifiers[3].0.key.address();
    let case = scene.newest_case(signer).await;
    let view = anyone.client.case(case).await.unwrap().unwrap();
    assert_eq!(view.kind, FaultKind::FalseDivergence);

    let blocks = scene.network.deployment.params.case_blocks;
    scene.network.anvil.mine(blocks).await.unwrap();
    anyone.run("execute", CourtCall::Execute { case }).await;
    let who = anyone.key.address();
    let had = anyone.client.lpt_balance(who).await.unwrap();
    let reward = ChallengeCall::ClaimReward { case };
    anyone.run("reward", reward.clone()).await;
    let has = anyone.client.lpt_balance(who).await.unwrap();
    // A tenth of a tenth of what it had bonded.
    let bonded = view_bond(&scene, 3).await;
    assert_eq!(has.0 - had.0, bonded.0 / assay_protocol::U256::from(100));
    anyone.refused(reward).await;
}

/// What the verifier at a position had bonded in the scene's round.
async fn view_bond(scene: &Scene, position: usize) -> Lpt {
    let set = scene
        .broadcaster
        .client
        .verifiers(scene.round)
        .await
        .unwrap();
    Lpt(set.seats[position].weight)
}

#[tokio::test]
async fn a_leaf_that_stays_closed_is_a_case_and_a_plant_that_stays_hidden_burns() {
    let scene = Scene::set().await;
    let params = scene.network.deployment.params.clone();
    let challenges = scene.network.deployment.contracts.challenges;
    let (anyone, asker) = (&scene.broadcaster, &scene.verifiers[1].0);
    let operator = scene.transcoder.key.address();
    scene.fund(asker, challenges, 20).await;
    scene.fund(&scene.transcoder, challenges, 20).await;
    let commitment = keccak256(B256::repeat_byte(0x5e));
    let plant = ChallengeCall::PlantFault { commitment };
    scene.transcoder.run("plant", plant).await;

    let (work, ..) = scene.work(0).await;
    let demand = ChallengeCall::ChallengeLeaf(Box::new(scene.demand(&work, 3)));
    asker.run("demand", demand).await;
    let report = ChallengeCall::ReportWithheld {
        receipt_hash: scene.receipt_hash(&work),
        leaf_index: 3,
    };
    anyone.refused(report.clone()).await;
    scene
        .network
        .anvil
        .mine(params.challenge_blocks)
        .await
        .unwrap();
    anyone.run("report", report.clone()).await;
    anyone.refused(report).await;
    let case = scene.newest_case(operator).await;
    let view = anyone.client.case(case).await.unwrap().unwrap();
    assert_eq!((view.kind, view.leaf_index), (FaultKind::WithheldLeaf, 3));
    let owed = anyone.client.bonds_owed(asker.key.address()).await.unwrap();
    assert_eq!(owed.challenges, params.challenge_bond);
    scene.network.anvil.mine(params.case_blocks).await.unwrap();
    anyone.run("execute", CourtCall::Execute { case }).await;
    let had = anyone
        .client
        .lpt_balance(asker.key.address())
        .await
        .unwrap();
    // Whoever sends it, the reward is the challenger's.
    anyone
        .run("reward", ChallengeCall::ClaimReward { case })
        .await;
    let has = anyone
        .client
        .lpt_balance(asker.key.address())
        .await
        .unwrap();
    assert!(has > had, "{had} to {has}");

    let burn = ChallengeCall::BurnPlant {
        operator,
        round: scene.round,
    };
    anyone.refused(burn.clone()).await;
    for _ in 0..2 {
        scene.network.open_round().await;
    }
    let after = params.response_blocks + params.evidence_blocks + params.case_blocks;
    scene.network.anvil.mine(after).await.unwrap();
    anyone.run("burn", burn.clone()).await;
    anyone.refused(burn).await;
}
