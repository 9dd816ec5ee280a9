//! A payment's way on a real chain: deposit, winner, fees, and the two steps back.

use crate::network;

use assay_chain::broker::Announced;
use assay_chain::call::{BrokerCall, CourtCall, FeeCall};
use assay_chain::events::{BrokerLog, Log};
use assay_chain::fault::{CaseStatus, FaultKind};
use assay_chain::views::Role;
use assay_protocol::U256;
use assay_protocol::amount::Eth;
use network::scene::Scene;

const MILLI: u64 = 1_000_000_000_000_000;

fn milli(count: u64) -> Eth {
    Eth(U256::from(count * MILLI))
}

#[tokio::test]
async fn a_winner_reaches_operator_and_delegator() {
    let scene = Scene::set().await;
    let (client, domain) = (&scene.transcoder.client, scene.domain());
    let (payer, worker) = (
        scene.broadcaster.key.address(),
        scene.transcoder.key.address(),
    );
    let params = scene.network.deployment.params.clone();
    let fund = BrokerCall::Fund {
        broadcaster: payer,
        deposit: milli(100),
        reserve: milli(40),
    };
    scene.broadcaster.run("fund", fund).await;
    let state = client.sender(payer).await.unwrap();
    assert_eq!((state.deposit, state.reserve), (milli(100), milli(40)));
    // The only active transcoder.
    let claimable = client.claimable_reserve(payer, worker).await.unwrap();
    assert_eq!(claimable, milli(40));

    let first = scene.winner(1, milli(10)).await;
    let hash = domain.digest(&first.ticket.ticket);
    let due = first.assignment.deadlineBlock + params.evidence_blocks;
    let early = BrokerCall::Redeem(Box::new(first.clone()));
    let error = scene
        .transcoder
        .queue
        .run("early", early)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("redeem later"), "{error}");
    scene.mine_to(due).await;
    let mined = scene
        .transcoder
        .queue
        .run("redeem", BrokerCall::Redeem(Box::new(first.clone())))
        .await
        .unwrap();
    println!("gas: first redemption {}", mined.gas_used);
    assert!(client.is_redeemed(hash).await.unwrap());
    let burned = Eth(milli(10).0 * U256::from(params.burned_fee_bps) / U256::from(10_000));
    let told = client.events_of(mined.tx).await.unwrap();
    let paid = BrokerLog::TicketRedeemed {
        sender: payer,
        recipient: worker,
        ticket: hash,
        assignment: first.ticket.ticket.assignmentHash,
        paid: milli(10),
        from_reserve: Eth::default(),
        burned,
    };
    assert!(
        told.iter()
            .any(|entry| entry.what == Log::Broker(paid.clone()))
    );
    assert_eq!(client.redemptions().await.unwrap().len(), 1);
    let again = BrokerCall::Redeem(Box::new(first.clone()));
    let error = scene
        .transcoder
        .queue
        .run("again", again)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("was paid already"), "{error}");

    // Own 300 and delegated 100, half of the fees shared: five eighths of it and three eighths.
    scene.mine_to(mined.block + params.round_blocks).await;
    let kept = milli(10).0 - burned.0;
    let delegator = scene.delegator.key.address();
    let fees = |holder| client.fees_of(worker, holder);
    let (own, others) = (fees(worker).await.unwrap(), fees(delegator).await.unwrap());
    let near = |found: Eth, parts: u64| {
        let expected = kept * U256::from(parts) / U256::from(8);
        found.0.abs_diff(expected) <= U256::from(2)
    };
    assert!(near(own, 7) && near(others, 1), "{own} and {others}");
    let before = client.eth_balance(payer).await.unwrap();
    let take = FeeCall::Withdraw {
        operator: worker,
        to: payer,
    };
    scene.delegator.run("take", take).await;
    let after = client.eth_balance(payer).await.unwrap();
    assert_eq!(after - before, others.0);
}

/// Who bonds after the reserve was filled has a part of it once that is announced and due; the other counts on the
/// smaller of its parts from the announcement on.
#[tokio::test]
async fn a_newcomer_has_its_part_once_it_is_announced_and_due() {
    let scene = Scene::set().await;
    let client = &scene.transcoder.client;
    let payer = scene.broadcaster.key.address();
    let worker = scene.transcoder.key.address();
    let call = || BrokerCall::PartAnew { broadcaster: payer };
    let run = |key: &'static str| scene.broadcaster.queue.run(key, call());
    assert_eq!(client.parting(payer).await.unwrap(), None);
    let error = run("too soon").await.unwrap_err();
    assert!(error.to_string().contains("put one up"), "{error}");
    let fund = BrokerCall::Fund {
        broadcaster: payer,
        deposit: milli(0),
        reserve: milli(40),
    };
    scene.broadcaster.run("fund", fund).await;
    // As much as the other's own and delegated stake together.
    let newcomer = scene.network.account(21, 400).await;
    newcomer.bond(Role::Transcoder, 400).await;
    let round = scene.network.open_round().await;
    let stranger = newcomer.queue.run("stranger", call()).await.unwrap_err();
    assert!(
        stranger.to_string().contains("nor its signer"),
        "{stranger}"
    );

    let mined = run("announce").await.unwrap();
    let params = &scene.network.deployment.params;
    // Two more are what signing blocks may be off.
    let wait = params.response_blocks + 2 + params.evidence_blocks + params.case_blocks;
    let announced = Announced {
        round,
        from: mined.block + wait + 1,
    };
    let parting = client.parting(payer).await.unwrap().unwrap();
    assert_eq!((parting.whole, parting.round), (milli(40), scene.round));
    assert_eq!(parting.announced, Some(announced));
    let told = client.events_of(mined.tx).await.unwrap();
    let event = Log::Broker(BrokerLog::PartsAnnounced {
        broadcaster: payer,
        round,
        from: announced.from,
    });
    assert!(told.iter().any(|entry| entry.what == event), "{told:?}");
    let parts = |of| client.parts(payer, of);
    let (old, new) = (parts(worker), parts(newcomer.key.address()));
    let (old, new) = (old.await.unwrap(), new.await.unwrap());
    assert_eq!(
        (old.present, old.next, old.lasting()),
        (milli(40), milli(20), milli(20))
    );
    assert_eq!(
        (new.present, new.next, new.lasting()),
        (milli(0), milli(20), milli(0))
    );
    let error = run("again").await.unwrap_err();
    assert!(error.to_string().contains("announced already"), "{error}");

    scene.mine_to(announced.from - 1).await;
    run("hold").await.unwrap();
    let parting = client.parting(payer).await.unwrap().unwrap();
    assert_eq!((parting.round, parting.announced), (round, None));
    for of in [worker, newcomer.key.address()] {
        assert_eq!(parts(of).await.unwrap().lasting(), milli(20));
        assert_eq!(
            client.claimable_reserve(payer, of).await.unwrap(),
            milli(20)
        );
    }
}

#[tokio::test]
async fn a_batch_passes_over_what_was_paid_and_a_deposit_comes_back() {
    let scene = Scene::set().await;
    let client = &scene.transcoder.client;
    let payer = scene.broadcaster.key.address();
    let params = scene.network.deployment.params.clone();
    let fund = BrokerCall::Fund {
        broadcaster: payer,
        deposit: milli(100),
        reserve: milli(0),
    };
    scene.broadcaster.run("fund", fund).await;
    let mut winners = Vec::new();
    for seq in 0..5 {
        winners.push(scene.winner(seq, milli(1)).await);
    }
    winners.push(winners[0].clone());
    scene
        .mine_to(winners[4].assignment.deadlineBlock + params.evidence_blocks)
        .await;
    let batch = BrokerCall::RedeemBatch(winners);
    let mined = scene.transcoder.queue.run("batch", batch).await.unwrap();
    println!("gas: five in a batch {}", mined.gas_used);
    let told = client.events_of(mined.tx).await.unwrap();
    let skipped = |entry: &&assay_chain::events::LogEntry| {
        matches!(entry.what, Log::Broker(BrokerLog::TicketSkipped { .. }))
    };
    assert_eq!(told.iter().filter(skipped).count(), 1);
    let state = client.sender(payer).await.unwrap();
    assert_eq!(state.deposit, milli(95));

    scene.broadcaster.run("unlock", BrokerCall::Unlock).await;
    let from = client.sender(payer).await.unwrap().withdraw_round.unwrap();
    assert_eq!(from, scene.round + params.unlock_rounds);
    let error = scene
        .broadcaster
        .queue
        .run("soon", BrokerCall::Withdraw)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("from round"), "{error}");
    while client.round().await.unwrap().round < from {
        scene.network.open_round().await;
    }
    scene
        .broadcaster
        .run("withdraw", BrokerCall::Withdraw)
        .await;
    let state = client.sender(payer).await.unwrap();
    assert_eq!(
        (state.deposit, state.withdraw_round),
        (Eth::default(), None)
    );
    scene
        .broadcaster
        .run("burn", BrokerCall::Burn { broadcaster: payer })
        .await;
    let broker = scene.network.deployment.contracts.ticket_broker;
    assert_eq!(client.eth_balance(broker).await.unwrap(), U256::ZERO);
}

/// By that a node knows whether it will ever be paid.
#[tokio::test]
async fn a_ticket_of_work_with_a_case_is_refused_with_the_cases_status() {
    let scene = Scene::set().await;
    let (client, domain) = (&scene.transcoder.client, scene.domain());
    let params = &scene.network.deployment.params;
    let fund = BrokerCall::Fund {
        broadcaster: scene.broadcaster.key.address(),
        deposit: milli(100),
        reserve: milli(0),
    };
    scene.broadcaster.run("fund", fund).await;
    let (work, leaves, _) = scene.work(0).await;
    let case = FaultKind::WrongEncode.case_of(domain.digest(&work.assignment));
    let proof = scene.prove(&work, &leaves, 5, &[0, 1, 2, 3]);
    let void = scene.winner_of(work, milli(1));
    let paid = scene.winner(1, milli(1)).await;
    let verifier = &scene.verifiers[0].0;
    verifier
        .run("prove", CourtCall::Prove(Box::new(proof)))
        .await;
    scene
        .mine_to(paid.assignment.deadlineBlock + params.evidence_blocks + 1)
        .await;
    for status in [CaseStatus::Open, CaseStatus::Executed] {
        if status == CaseStatus::Executed {
            verifier.run("execute", CourtCall::Execute { case }).await;
        }
        let call = BrokerCall::Redeem(Box::new(void.clone())).into();
        let refusal = client.refusal(&call).await.unwrap().unwrap();
        assert!(refusal.is("AssignmentAccused"), "{refusal}");
        assert_eq!(refusal.status("status"), Some(status));
    }
    // A batch is mined all the same, and pays the other.
    let ticket = domain.digest(&void.ticket.ticket);
    let batch = BrokerCall::RedeemBatch(vec![void, paid]);
    let mined = scene.transcoder.queue.run("batch", batch).await.unwrap();
    let told = client.events_of(mined.tx).await.unwrap();
    let skipped = Log::Broker(BrokerLog::TicketSkipped { ticket });
    assert!(told.iter().any(|entry| entry.what == skipped), "{told:?}");
}
