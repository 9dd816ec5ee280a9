//! From a wrong leaf to a slash on a real EVM.

use crate::network;

use assay_chain::call::{CourtCall, StakeCall};
use assay_chain::events::{CourtLog, Log, StakeLog};
use assay_chain::fault::FaultKind;
use assay_chain::views::Role;
use assay_chain::watcher::{Event, Watcher, WatcherConfig};
use assay_protocol::amount::Lpt;
use assay_protocol::fraud_proof::SigningKeys;
use assay_protocol::merkle::Path;
use assay_protocol::receipt::output_tree;
use assay_protocol::sig::OperatorKey;
use assay_protocol::{B256, U256};
use network::scene::Scene;

async fn drain(watcher: &mut Watcher, until: u64) -> Vec<Event> {
    let mut events = Vec::new();
    loop {
        let wait = tokio::time::timeout(std::time::Duration::from_secs(10), watcher.next());
        let event = wait
            .await
            .unwrap_or_else(|_| panic!("no block {until} in {events:?}"))
            .unwrap();
        if matches!(&event, Event::Block(block, _) if block.number > until) {
            return events;
        }
        events.push(event);
    }
}

#[tokio::test]
async fn a_wrong_leaf_is_proven_executed_and_paid() {
    let scene = Scene::set().await;
    let client = &scene.transcoder.client;
    let first = client.head().await.unwrap().number + 1;
    let from = Some(first);
    let mut watcher = Watcher::start(
        client,
        WatcherConfig {
            from,
            ..WatcherConfig::default()
        },
    )
    .await
    .unwrap();

    let proof = scene.proof(0, 5, &[0, 1, 2, 3]).await;
    let verifiers = client.verifiers(scene.round).await.unwrap();
    let keys = SigningKeys {
        broadcaster: scene.broadcaster.key.address(),
        transcoder: proof.assignment.transcoder,
    };
    proof.verify(&scene.domain(), &keys, &verifiers).unwrap();
    let submitter = &scene.verifiers[1].0;
    let gas_prove = submitter
        .run("prove", CourtCall::Prove(Box::new(proof.clone())))
        .await;
    let case = client
        .case_ids(Some(scene.transcoder.key.address()))
        .await
        .unwrap()[0];
    let about = scene.domain().digest(&proof.assignment);
    assert_eq!(case, FaultKind::WrongEncode.case_of(about));
    let view = client.case(case).await.unwrap().unwrap();
    assert_eq!(
        (view.kind, view.is_executed(), view.leaf_index),
        (FaultKind::WrongEncode, false, 5)
    );
    assert_eq!((view.bitmap, view.round), (U256::from(0b1111), scene.round));
    assert_eq!(client.case(B256::ZERO).await.unwrap(), None);
    let operator = scene.transcoder.key.address();
    assert!(
        client
            .pool(Role::Transcoder, operator)
            .await
            .unwrap()
            .is_frozen()
    );

    let proof_block = proof.assignment.deadlineBlock - 12;

    // Refusals are sentences, and nothing is sent.
    let again = submitter.refused(CourtCall::Prove(Box::new(proof))).await;
    assert!(again.contains("already proven"), "{again}");
    let (opened, signed_block) = (view.opened_block, proof_block);
    let burst = || client.burst_at(operator, signed_block);
    assert_eq!(burst().await.unwrap(), None, "not before it is executed");
    let early = submitter.refused(CourtCall::Execute { case }).await;
    assert!(early.contains("window open"), "{early}");
    let frozen = scene
        .transcoder
        .refused(StakeCall::Unbond {
            role: Role::Transcoder,
            operator,
            amount: Lpt::whole(1),
        })
        .await;
    assert!(
        frozen.contains("pool frozen") && frozen.contains(&operator.to_string()),
        "{frozen}"
    );

    let supply = client.lpt_supply().await.unwrap();
    let before = (
        scene.stake(&scene.transcoder).await,
        scene.stake(&scene.delegator).await,
    );
    assert_eq!(before, (Lpt::whole(300), Lpt::whole(100)));
    scene
        .network
        .anvil
        .mine(scene.network.deployment.params.case_blocks)
        .await
        .unwrap();
    let gas_execute = submitter.run("execute", CourtCall::Execute { case }).await;
    let after = (
        scene.stake(&scene.transcoder).await,
        scene.stake(&scene.delegator).await,
    );
    assert_eq!(after, (Lpt::whole(270), Lpt::whole(90)));
    let view = client.case(case).await.unwrap().unwrap();
    // Of the own-bond cut of 30 a fifth is the signers' and a tenth waits for the finder; the rest burns.
    assert!(view.is_executed());
    assert_eq!(burst().await.unwrap(), Some(opened));
    assert_eq!(view.signers_reward, Lpt::whole(6));
    assert_eq!(
        client.lpt_supply().await.unwrap().0,
        supply.0 - Lpt::whole(31).0
    );
    assert!(
        !client
            .pool(Role::Transcoder, operator)
            .await
            .unwrap()
            .is_frozen()
    );

    let paid_account = scene.verifiers[2].0.key.address();
    let seat_before = client.pool(Role::Verifier, paid_account).await.unwrap();
    let liquid_before = client.lpt_balance(paid_account).await.unwrap();
    let gas_claim = submitter
        .run("claim", CourtCall::ClaimSigner { case, position: 2 })
        .await;
    let seat_after = client.pool(Role::Verifier, paid_account).await.unwrap();
    let liquid_after = client.lpt_balance(paid_account).await.unwrap();
    let paid = seat_after.own.0 + liquid_after.0 - seat_before.own.0 - liquid_before.0;
    assert!(paid > U256::ZERO && paid < Lpt::whole(6).0);
    let twice = submitter
        .refused(CourtCall::ClaimSigner { case, position: 2 })
        .await;
    assert!(twice.contains("already paid"), "{twice}");
    println!("gas: prove {gas_prove}, execute {gas_execute}, claim {gas_claim}");
    // Whole transactions with four signers, see chain/snapshots/gas.json.
    assert!(gas_prove <= 300_000 && gas_execute <= 180_000);

    let last = client.head().await.unwrap().number;
    scene.network.anvil.mine(1).await.unwrap();
    let events = drain(&mut watcher, last).await;
    let blocks: Vec<u64> = events
        .iter()
        .filter_map(|e| {
            if let Event::Block(b, _) = e {
                Some(b.number)
            } else {
                None
            }
        })
        .collect();
    assert_eq!(blocks, (first..=last).collect::<Vec<_>>());
    let logs: Vec<&Log> = events
        .iter()
        .flat_map(|e| match e {
            Event::Block(_, logs) | Event::Past { logs, .. } => {
                logs.iter().map(|l| &l.what).collect()
            }
            Event::Reorg { .. } => Vec::new(),
        })
        .collect();
    let place = |wanted: fn(&Log) -> bool| {
        logs.iter()
            .position(|l| wanted(l))
            .unwrap_or_else(|| panic!("{logs:?}"))
    };
    let opened = place(|l| matches!(l, Log::Court(CourtLog::CaseOpened { leaf_index: 5, .. })));
    let slashed = place(|l| matches!(l, Log::Stake(StakeLog::Slashed { bps: 1_000, .. })));
    let executed = place(|l| matches!(l, Log::Court(CourtLog::CaseExecuted { .. })));
    let paid_log = place(|l| matches!(l, Log::Court(CourtLog::SignerPaid { .. })));
    assert!(
        opened < slashed && slashed < executed && executed < paid_log,
        "{logs:?}"
    );
    assert!(logs.iter().any(|l| matches!(l, Log::Court(CourtLog::CaseExecuted { slashed, burned, .. }) if *slashed == Lpt::whole(40) && *burned == Lpt::whole(31))));

    // The next round's elections see the smaller stake.
    let next = scene.network.open_round().await;
    let weight = client
        .snapshot(Role::Transcoder, next)
        .await
        .unwrap()
        .candidates[0]
        .weight;
    assert_eq!(weight, Lpt::whole(360).0);
}

#[tokio::test]
async fn proofs_that_do_not_hold_are_refused_in_words() {
    let scene = Scene::set().await;
    let submitter = &scene.verifiers[0].0;
    // 140 + 141 of 566 is less than two thirds.
    let few = scene.proof(0, 1, &[0, 1]).await;
    let sentence = submitter.refused(CourtCall::Prove(Box::new(few))).await;
    assert!(sentence.contains("quorum missed"), "{sentence}");
    let mut claims_all = scene.proof(0, 1, &[0, 1]).await;
    claims_all.bitmap = U256::from(0b1111);
    let sentence = submitter
        .refused(CourtCall::Prove(Box::new(claims_all)))
        .await;
    assert!(sentence.contains("invalid aggregate"), "{sentence}");
    let mut agrees = scene.proof(0, 1, &[0, 1, 2, 3]).await;
    agrees.recomputed_hash = agrees.leaf.output_hash;
    let sentence = submitter.refused(CourtCall::Prove(Box::new(agrees))).await;
    assert!(sentence.contains("output is correct"), "{sentence}");
    let mut elsewhere = scene.proof(0, 1, &[0, 1, 2, 3]).await;
    elsewhere.leaf_index = 2;
    let sentence = submitter
        .refused(CourtCall::Prove(Box::new(elsewhere)))
        .await;
    assert!(sentence.contains("wrong output root"), "{sentence}");
    let mut forged = scene.proof(0, 1, &[0, 1, 2, 3]).await;
    let stranger = OperatorKey::from_bytes([99; 32]).unwrap();
    forged.assignment_signature = stranger.sign(scene.domain().digest(&forged.assignment));
    let sentence = submitter.refused(CourtCall::Prove(Box::new(forged))).await;
    assert!(
        sentence.contains("wrong signer") && sentence.contains(&stranger.address().to_string()),
        "{sentence}"
    );
    // Three of four carry it.
    let enough = scene.proof(0, 1, &[1, 2, 3]).await;
    let gas = submitter
        .run("prove", CourtCall::Prove(Box::new(enough)))
        .await;
    println!("gas: prove with one absent signer {gas}");
    assert!(gas <= 308_000);
}

#[tokio::test]
async fn other_faults_reach_their_pools() {
    let scene = Scene::set().await;
    let submitter = &scene.broadcaster;
    let client = &submitter.client;

    let (work, leaves, _) = scene.work(0).await;
    let two = scene.two_receipts(&work);
    let mut same = two.clone();
    (same.other, same.other_signature) = (work.receipt.clone(), work.receipt_signature);
    let sentence = submitter
        .refused(CourtCall::Equivocation(Box::new(same)))
        .await;
    assert!(sentence.contains("no equivocation"), "{sentence}");
    let gas = submitter
        .run("equivocation", CourtCall::Equivocation(Box::new(two)))
        .await;
    println!("gas: equivocation {gas}");

    let verifier = &scene.verifiers[3];
    let fault = scene.two_verdicts(&work, 3);
    let gas = submitter
        .run(
            "two verdicts",
            CourtCall::VerifierEquivocation(Box::new(fault)),
        )
        .await;
    println!("gas: verifier equivocation {gas}");

    // A leaf that says another chunk's frames.
    let (honest, _, frames) = scene.work(1).await;
    let wrong = scene.other_frames(&honest, &leaves, &frames);
    let mut right = wrong.clone();
    (right.work, right.leaf, right.path) = (honest, leaves[6], output_tree(&leaves).path(6));
    let sentence = submitter
        .refused(CourtCall::LeafFault(Box::new(right)))
        .await;
    assert!(sentence.contains("leaf is correct"), "{sentence}");
    let mut lost = wrong.clone();
    lost.frames_path = Path(vec![B256::ZERO; 2]);
    let sentence = submitter
        .refused(CourtCall::LeafFault(Box::new(lost)))
        .await;
    assert!(sentence.contains("wrong frames root"), "{sentence}");
    let gas = submitter
        .run("leaf", CourtCall::LeafFault(Box::new(wrong)))
        .await;
    println!("gas: leaf fault {gas}");

    scene
        .network
        .anvil
        .mine(scene.network.deployment.params.case_blocks)
        .await
        .unwrap();
    let cases = client.case_ids(None).await.unwrap();
    assert_eq!(cases.len(), 3);
    for case in cases {
        submitter
            .run(&format!("execute {case}"), CourtCall::Execute { case })
            .await;
    }
    // Half for two receipts, then a tenth of what is left for the leaf.
    assert_eq!(scene.stake(&scene.transcoder).await, Lpt::whole(135));
    let address = verifier.0.key.address();
    let bonded = scene
        .network
        .deployer
        .client
        .pool(Role::Verifier, address)
        .await
        .unwrap();
    let seat = client.verifiers(scene.round).await.unwrap();
    assert_eq!(
        bonded.own.0 * U256::from(2),
        seat.find(address).unwrap().1.weight
    );
}
